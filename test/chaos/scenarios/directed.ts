import { setTimeout as pause } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { createKeys } from '../../../lua/keys.ts'
import { UTTERANCES } from '../../../src/protocol/jobs.ts'
import { descendantsOf } from '../../support/processes.ts'
import type { Member } from '../member.ts'
import type { Scenario } from '../scenario.ts'
import { scripted } from '../speech.ts'
import { PREFIX } from '../stage.ts'
import { readTrace } from '../trace.ts'
import { castOf, dieAt, finish, stopAt, talkOn, withRedis } from './cues.ts'
import { freezeRedis, isStopped, until } from './steps.ts'

/** Each leads to one guard by the hand: with it nothing is seen, without it a promise breaks. */
const NODE_QUEUES = ':node-'

/** A scheduler stops with a result in hand, another settles it, then the first goes on. */
const repeat = (name: string, what: string, windowMs: number): Scenario => ({
  name,
  what,
  cast: {
    schedulers: 2,
    nodes: 1,
    isBare: true,
    env: { LINGUA_DEDUP_WINDOW_MS: String(windowMs) },
  },
  clients: 0,
  terms: { dedupWindowMs: windowMs },
  async faults(stage) {
    const { scheduler, node, closeGateway } = castOf(stage)
    await scheduler(1).start([stopAt({ script: 'settle', when: 'before' })])
    await node(1).start()
    const talk = await talkOn(stage, 'client')
    talk.append(scripted({ text: 'once' }))
    await talk.commit()
    await until('the first scheduler stopped before it settled', () => isStopped(scheduler(1)))
    await scheduler(2).start()
    closeGateway(1)
    await talk.final(0)
    await pause(Math.min(windowMs, 1500) + 200)
    scheduler(1).thaw()
    await pause(1000)
    await finish(talk)
  },
})

const stranded: Scenario = {
  name: 'stranded-child',
  what: 'a scheduler stops between choosing a node and giving it the work; the node dies meanwhile',
  cast: {
    schedulers: 2,
    nodes: 2,
    isBare: true,
    env: { LINGUA_NODE_LEASE_MS: '1000', LINGUA_START_DEADLINE_MS: '12000' },
  },
  clients: 0,
  terms: { leaseMs: 1000, restartMs: 2000 },
  async faults(stage) {
    const { scheduler, node } = castOf(stage)
    await scheduler(1).start([stopAt({ script: 'route', when: 'after' })])
    await Promise.all([node(1).start(), node(2).start()])
    const talk = await talkOn(stage, 'client')
    talk.append(scripted({ text: 'wanted' }))
    const committed = talk.commit()
    await until('the scheduler stopped with its choice', () => isStopped(scheduler(1)))
    const chosen = await chosenBy(scheduler(1))
    await stage.nodes.find(({ name }) => name === chosen)?.kill()
    await scheduler(2).start()
    await withRedis(stage, async (redis) => {
      const keys = createKeys(PREFIX)
      await until('the dead node was fenced', async () => {
        const [listed, fencing] = await Promise.all([
          redis.zcard(keys.nodes),
          redis.zcard(keys.fencing),
        ])
        return listed + fencing === 1
      })
    })
    scheduler(1).thaw()
    await committed
    await finish(talk)
  },
}

/** The node that a scheduler last chose. */
async function chosenBy({ name, traces }: Member): Promise<string | undefined> {
  const facts = await Promise.all(traces.map((file) => readTrace(file, name)))
  return facts.flat().findLast((fact) => fact.kind === 'routed')?.node
}

const stray: Scenario = {
  name: 'stray-child',
  what: 'a thawed scheduler adds a child of an old attempt and dies: it must not hold the parent up',
  cast: { schedulers: 3, nodes: 2, isBare: true, env: { LINGUA_NODE_CAPACITY: '1' } },
  clients: 0,
  async faults(stage) {
    const { scheduler, node, closeGateway } = castOf(stage)
    const adding = { script: 'addStandardJob', match: NODE_QUEUES } as const
    await scheduler(1).start([
      { ...stopAt({ ...adding, when: 'before' }), nth: 2 },
      { ...dieAt({ ...adding, when: 'after' }), nth: 2 },
    ])
    await node(1).start()
    const talk = await talkOn(stage, 'client')
    talk.append(scripted({ text: 'long', recognizeMs: 28_000 }, 10_000))
    await talk.commit()
    talk.append(scripted({ text: 'behind it' }))
    await talk.commit()
    await until('the first scheduler stopped before it gave out its work', () =>
      isStopped(scheduler(1)),
    )
    await scheduler(2).start([dieAt({ ...adding, when: 'before' })])
    closeGateway(1)
    await node(2).start()
    await until('the second scheduler died in its place', () => !scheduler(2).isUp)
    scheduler(1).thaw()
    await until('the first one died when it had added its child', () => !scheduler(1).isUp)
    await scheduler(3).start()
    await finish(talk)
  },
}

const slowStart: Scenario = {
  name: 'node-stopped-at-start',
  what: 'a node is stopped between registering and its first beat, for longer than its lease',
  cast: { schedulers: 1, nodes: 1, isBare: true, env: { LINGUA_NODE_LEASE_MS: '1000' } },
  clients: 0,
  terms: { leaseMs: 1000 },
  async faults(stage) {
    const { scheduler, node } = castOf(stage)
    await scheduler(1).start()
    const starting = node(1).start([stopAt({ script: 'registerNode', when: 'after' })])
    const stopped = () =>
      descendantsOf(process.pid, 'workers/main.js').find(({ state }) => state === 'T')
    await until('the node stopped', () => stopped() !== undefined)
    await pause(2000)
    process.kill(stopped()?.pid ?? 0, 'SIGCONT')
    await starting
    await pause(2000)
    const talk = await talkOn(stage, 'client')
    talk.append(scripted({ text: 'wanted', recognizeMs: 1500 }))
    await talk.commit()
    await finish(talk)
  },
  alsoCheck({ of }) {
    const lives = of('registered').length
    if (lives <= 2) return []
    const what = `registered ${lives} times though it was fenced once`
    return [{ promise: 'P7', where: 'node-1', what }]
  },
}

const oldGateway: Scenario = {
  name: 'old-gateway',
  what: 'a gateway thaws, does not know that its session has moved, and cuts what is open in it',
  cast: { schedulers: 2, nodes: 1, isBare: true },
  clients: 0,
  async faults(stage) {
    const { scheduler, node, closeGateway } = castOf(stage)
    await Promise.all([scheduler(1).start(), scheduler(2).start(), node(1).start()])
    const talk = await talkOn(stage, 'client')
    talk.append(scripted({ text: 'whole' }))
    await talk.commit()
    talk.append(Buffer.alloc(3200, 1))
    await pause(300)
    scheduler(1).freeze()
    await withRedis(stage, async (redis) => {
      const listeners = async (): Promise<number> =>
        String(await redis.client('LIST', 'TYPE', 'PUBSUB'))
          .split('\n')
          .filter((line) => line.includes('id=')).length
      const before = await listeners()
      await redis.client('KILL', 'TYPE', 'PUBSUB')
      await until('those awake listened again', async () => (await listeners()) === before - 1)
    })
    closeGateway(1)
    talk.append(Buffer.alloc(3200, 2))
    await until('the client was served elsewhere', () =>
      stage.history.facts().some((fact) => fact.kind === 'acked' && fact.chunk >= 2),
    )
    scheduler(1).thaw()
    await pause(4500)
    talk.append(Buffer.alloc(3200, 3))
    await talk.commit()
    await finish(talk)
  },
}

const repeatedChunk: Scenario = {
  name: 'repeated-chunks',
  what: 'Redis stops under a stream of audio: chunks whose answer is late are sent again',
  cast: { schedulers: 1, nodes: 1 },
  clients: 0,
  async faults(stage) {
    const talk = await talkOn(stage, 'client')
    const enough = new AbortController()
    const streaming = (async () => {
      for (let i = 0; !enough.signal.aborted; i += 1) {
        talk.append(Buffer.alloc(3200, i))
        await pause(100)
      }
    })()
    await pause(500)
    await freezeRedis(stage, 3200)
    await pause(1500)
    enough.abort()
    await streaming
    await talk.commit()
    await finish(talk)
  },
}

const outages: Scenario = {
  name: 'busy-outages',
  what: 'Redis stops for longer than the lease while every node has work that takes longer still',
  cast: { schedulers: 2, nodes: 3 },
  clients: 0,
  async faults(stage) {
    const talks = await Promise.all(['a', 'b', 'c', 'd'].map((name) => talkOn(stage, name)))
    for (let round = 0; round < 2; round += 1) {
      for (const talk of talks) {
        talk.append(scripted({ text: `${round}`, recognizeMs: 6000 }))
        await talk.commit()
      }
      await pause(1200)
      await freezeRedis(stage, 4000)
      await pause(2500)
    }
    await Promise.all(talks.map(finish))
  },
}

const removedJob: Scenario = {
  name: 'removed-job',
  what: 'an operator removes the job of an utterance that waits on its node: its slot is not held for ever',
  cast: {
    schedulers: 1,
    nodes: 1,
    env: { LINGUA_NODE_CAPACITY: '1', LINGUA_START_DEADLINE_MS: '2000' },
  },
  clients: 0,
  async faults(stage) {
    const { proxies } = stage
    const talk = await talkOn(stage, 'client')
    for (const script of [{ text: 'first', recognizeMs: 3000 }, { text: 'removed' }]) {
      talk.append(scripted(script))
      await talk.commit()
    }
    const job = `u_${talk.id}_1`
    await withRedis(stage, async (redis) => {
      const { deadlines } = createKeys(PREFIX)
      const queue = new Queue(UTTERANCES, { connection: redis, prefix: PREFIX })
      await until('it waited on its node', async () => {
        const found = await queue.getJob(job)
        return (await found?.getState()) === 'waiting-children'
      })
      await queue.remove(job)
      await until(
        'its attempt was overdue',
        async () => !(await redis.zscore(deadlines, `${job}.1`)),
      )
      await queue.close()
    })
    for (const proxy of proxies) proxy.cut(() => true)
    await finish(talk)
  },
}

export const DIRECTED_SCENARIOS: readonly Scenario[] = [
  repeat('repeat-within-window', 'an outcome is offered again within the dedup window', 30_000),
  repeat('repeat-after-window', 'an outcome is offered again when the dedup window is over', 1000),
  stranded,
  stray,
  slowStart,
  oldGateway,
  repeatedChunk,
  outages,
  removedJob,
]
