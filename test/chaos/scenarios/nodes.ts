import { setTimeout as pause } from 'node:timers/promises'
import { nameOf } from '../checker/breach.ts'
import type { Rule } from '../checker/checker.ts'
import { fencedOf, restartsOf } from '../checker/failover.ts'
import type { Scenario } from '../scenario.ts'
import { scripted } from '../speech.ts'
import type { Stage } from '../stage.ts'
import { openTalk } from '../talk.ts'
import { during, keepAlive, pauseBetween } from './steps.ts'

const LEASE_MS = 2000
const POISON = 'poison'

const kills: Scenario = {
  name: 'node-kills',
  what: 'nodes die by SIGKILL, up to three of six at once, and come back when their work has moved',
  cast: { schedulers: 2, nodes: 6 },
  clients: 8,
  mix: { recognizeMs: 800 },
  terms: { restartMs: LEASE_MS + 1000 },
  faults: (stage, seconds) =>
    during(seconds, async () => {
      await pauseBetween(stage, 200, 1200)
      await killSome(stage, stage.chance.between(1, 3), LEASE_MS)
    }),
}

/** These die together, and come back when what they had has moved. */
async function killSome({ chance, nodes }: Stage, count: number, leaseMs: number): Promise<void> {
  const doomed = chance.shuffle(nodes).slice(0, count)
  await Promise.all(doomed.map((node) => node.kill()))
  await pause(leaseMs + 700)
  await Promise.all(doomed.map((node) => node.start()))
}

const AT_ONCE = 8

/** Until so many have died, however long it takes: enough of them for a bound on 99 of 100. */
const countedKills = (name: string, count: number, leaseMs: number): Scenario => ({
  name,
  what: `${count} nodes with a lease of ${leaseMs} ms die by SIGKILL at their work, ${AT_ONCE} of twelve at once`,
  cast: {
    schedulers: 2,
    nodes: 12,
    env: { LINGUA_NODE_LEASE_MS: String(leaseMs), LINGUA_NODE_CAPACITY: '8' },
  },
  clients: 8,
  mix: { recognizeMs: 1200 },
  terms: { leaseMs, restartMs: leaseMs + 1000 },
  async faults(stage) {
    for (let died = 0; died < count; died += AT_ONCE) {
      await pauseBetween(stage, 200, 1200)
      await killSome(stage, AT_ONCE, leaseMs)
    }
  },
  alsoCheck: enoughMoved(count),
})

/** A kill that meets a node without work proves nothing: on the whole each must have lost some. */
const enoughMoved =
  (least: number): Rule =>
  (view) => {
    const { length } = restartsOf(view)
    if (length >= least) return []
    const what = `${length} restarts only: too few nodes had work when they died`
    return [{ promise: 'P7', where: 'nodes', what }]
  }

const steadyKills: Scenario = {
  name: 'node-kills-steady',
  what: 'one node after another dies by SIGKILL, one each second, and comes back after 3 s',
  cast: { schedulers: 2, nodes: 8 },
  clients: 6,
  mix: { recognizeMs: 800 },
  terms: { restartMs: LEASE_MS + 1000 },
  async faults({ chance, nodes }, seconds) {
    const revived: Promise<void>[] = []
    await during(seconds, async () => {
      const alive = nodes.filter((node) => node.isUp)
      if (alive.length > 2) {
        const doomed = chance.pick(alive)
        await doomed.kill()
        revived.push(pause(LEASE_MS + 1000).then(() => doomed.start()))
      }
      await pause(1000)
    })
    await Promise.all(revived)
  },
}

const freezes: Scenario = {
  name: 'node-freezes',
  what: 'nodes are stopped past their lease, then go on with what they had',
  cast: { schedulers: 2, nodes: 4 },
  clients: 8,
  mix: { recognizeMs: 800 },
  faults: (stage, seconds) =>
    during(seconds, async () => {
      const { chance, nodes } = stage
      await pauseBetween(stage, 200, 800)
      const frozen = chance.shuffle(nodes).slice(0, chance.between(1, 2))
      for (const node of frozen) node.freeze()
      await pauseBetween(stage, LEASE_MS + 500, 2 * LEASE_MS + 1500)
      for (const node of frozen) node.thaw()
    }),
}

const longFreeze: Scenario = {
  name: 'node-frozen-60-s',
  what: 'a busy node is stopped for a minute: its late results are fenced',
  cast: { schedulers: 2, nodes: 2 },
  clients: 3,
  mix: { recognizeMs: 1500 },
  paceMs: 800,
  alsoCheck: (view) =>
    fencedOf(view).some(({ how }) => how === 'completed')
      ? []
      : [{ promise: 'P2', where: 'node-1', what: 'had no late result: nothing was tried' }],
  async faults({ nodes: [node] }) {
    node?.freeze()
    await pause(60_000)
    node?.thaw()
    await pause(3000)
  },
}

const restarts: Scenario = {
  name: 'node-restarts',
  what: 'nodes come back under the same id, at once after SIGKILL or in order after SIGTERM',
  cast: { schedulers: 2, nodes: 4 },
  clients: 8,
  mix: { recognizeMs: 800 },
  faults: (stage, seconds) =>
    during(seconds, async () => {
      const node = stage.chance.pick(stage.nodes)
      await (stage.chance.isWithin(0.5) ? node.kill() : node.end())
      await node.start()
      await pauseBetween(stage, 300, 1000)
    }),
}

const blocked: Scenario = {
  name: 'node-blocked',
  what: 'utterances block the main loop of their node for longer than its lease',
  cast: { schedulers: 2, nodes: 4 },
  clients: 8,
  mix: { blocking: 0.03, blockMs: LEASE_MS + 1500 },
  faults: (_, seconds) => pause(seconds * 1000),
}

const engines: Scenario = {
  name: 'engines',
  what: 'engines fail, hang, ignore aborts and kill their node, on one try or on all',
  cast: { schedulers: 2, nodes: 5 },
  clients: 8,
  mix: {
    failing: 0.1,
    hopeless: 0.03,
    hanging: 0.01,
    crashing: 0.01,
    poison: 0.004,
  },
  faults: ({ nodes }, seconds) =>
    keepAlive(nodes, { afterMs: 300, stop: AbortSignal.timeout(seconds * 1000) }),
}

const poison: Scenario = {
  name: 'poison',
  what: 'one utterance kills every node that takes it: it fails in its place, all others are served',
  cast: { schedulers: 2, nodes: 6 },
  clients: 4,
  async faults({ urls, history, nodes }) {
    const talk = await openTalk({ urls, history, client: 'poisoner' })
    const enough = new AbortController()
    const alive = keepAlive(nodes, { afterMs: 300, stop: enough.signal })
    for (const script of [{ text: 'before' }, { text: POISON, crash: 99 }, { text: 'behind' }]) {
      talk.append(scripted(script))
      await talk.commit()
    }
    await talk.quiet(60_000)
    await talk.close()
    enough.abort()
    await alive
  },
  alsoCheck: ({ sessions, utterances }) => {
    const poisoned = sessions.find(({ audio }) => audio.includes(POISON))?.utterances[1]
    const ended = poisoned?.finals[0]?.result.error?.code ?? 'nothing'
    const failed = utterances.filter((each) => each.finals[0]?.result.outcome === 'failed')
    return [
      ...(ended === 'node_lost' ? [] : [{ where: 'poison', what: `ended with ${ended}` }]),
      ...failed
        .filter((each) => each !== poisoned)
        .map((each) => ({ where: nameOf(each), what: 'failed as well' })),
    ].map((breach) => ({ promise: 'P10', ...breach }))
  },
}

const lateResults: Scenario = {
  name: 'late-results',
  what: 'results come after 13.1 s and 23.0 s, beside fast neighbours, and count',
  cast: { schedulers: 2, nodes: 2 },
  clients: 2,
  async faults({ urls, history }) {
    const talk = await openTalk({ urls, history, client: 'patient', speech: true })
    for (const script of [
      { text: '13.1 s', recognizeMs: 6600, translateMs: 6500 },
      { text: 'fast' },
      { text: '23.0 s', recognizeMs: 9000, translateMs: 9000, synthesizeMs: 5000 },
      { text: 'fast again' },
    ]) {
      talk.append(scripted(script, 500))
      await talk.commit()
    }
    await talk.quiet(40_000)
    await talk.close()
  },
  alsoCheck: ({ utterances }) =>
    utterances
      .filter(({ routes }) => routes.some(({ n }) => n > 1))
      .filter(({ finals }) => finals[0]?.result.transcript?.endsWith(' s'))
      .map(({ session, index }) => ({
        promise: 'P3' as const,
        where: `u_${session}_${index}`,
        what: 'was sent again though its node was at work',
      })),
}

export const NODE_SCENARIOS: readonly Scenario[] = [
  kills,
  countedKills('node-kills-200', 200, LEASE_MS),
  countedKills('node-kills-1500', 100, 1500),
  steadyKills,
  freezes,
  restarts,
  blocked,
  engines,
  poison,
  lateResults,
  longFreeze,
]
