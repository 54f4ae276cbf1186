import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { io } from 'socket.io-client'
import { expect, test as base } from 'vitest'
import { connect } from '../../src/client/client.ts'
import { readConfig } from '../../src/platform/config.ts'
import { startEmbeddedRedis } from '../../src/platform/embedded-redis.ts'
import { createLog } from '../../src/platform/log.ts'
import { openStore } from '../../src/platform/redis.ts'
import { NAMESPACE } from '../../src/protocol/events.ts'
import { createScheduler } from '../../src/scheduler.ts'
import { createScriptedEngine, scriptedAudio } from '../../workers/engines/scripted.ts'
import { createNode } from '../../workers/node.ts'
import { listen } from '../support/listen.ts'
import { readRedisUsage, usageBetween, type RedisUsage } from '../support/redis-usage.ts'

/**
 * Counts do not depend on the machine: what a change adds to the hot paths shows here first. Each bound
 * lies a little above what was counted when it was set (a chunk: 1 script and 5 commands; an utterance:
 * 23.7 and 311; an idle second: 10 and 59 of a scheduler, 3 and 40 of a node); lower them when a change
 * makes things cheaper.
 */

interface Quiet {
  readonly url: string
  readonly redis: Redis
  /** Starts one more node. */
  addNode(): Promise<void>
}

/** A system on a Redis of its own, where nobody else's commands are counted. */
async function openQuiet(onCleanup: (undo: () => Promise<void>) => void): Promise<Quiet> {
  const undo: (() => Promise<unknown>)[] = []
  onCleanup(async () => {
    for (const step of undo.toReversed()) await step()
  })
  const folder = await mkdtemp(join(tmpdir(), 'cost-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  const server = await startEmbeddedRedis({ folder })
  undo.push(() => server.stop(AbortSignal.timeout(5000)))
  const log = createLog('silent', 'test')
  const config = readConfig({ REDIS_URL: server.url, PORT: '0' })
  const openOne = async () => {
    const { url } = server
    const prefix = config.keyPrefix
    const store = await openStore({ url, audioUrl: undefined, prefix, name: 'test', log })
    undo.push(() => store.close())
    return { config, store, log }
  }
  const scheduler = await createScheduler(await openOne())
  undo.push(() => scheduler.stop(2000))
  const addNode = async (): Promise<void> => {
    const engine = createScriptedEngine({ node: 'n', pairs: ['en>es'] })
    const { config: same, ...rest } = await openOne()
    const id = `n${undo.length}`
    const own = { ...same, node: { ...same.node, id } }
    const node = await createNode({ ...rest, config: own, engine })
    undo.push(() => node.stop(1000))
  }
  await addNode()
  const redis = new Redis(server.url)
  undo.push(async () => redis.disconnect())
  return { url: scheduler.url, redis, addNode }
}

const test = base.extend('quiet', ({}, { onCleanup }) => openQuiet(onCleanup))

type Cost = Pick<RedisUsage, 'scripts' | 'commands' | 'bytesIn' | 'bytesOut'>

const IDLE_MS = 2000

/** What so many things cost each, without what an idle system costs meanwhile. */
async function costOf(redis: Redis, count: number, work: () => Promise<void>): Promise<Cost> {
  const idle = await perSecond(redis)
  const { usage, seconds } = await usageOf(redis, work)
  const each = (of: keyof Cost): number => (usage[of] - idle[of] * seconds) / count
  return costBy(each)
}

/** What an idle second costs. */
async function perSecond(redis: Redis): Promise<Cost> {
  const { usage, seconds } = await usageOf(redis, () => pause(IDLE_MS))
  return costBy((of) => usage[of] / seconds)
}

const costBy = (of: (what: keyof Cost) => number): Cost => ({
  scripts: of('scripts'),
  commands: of('commands'),
  bytesIn: of('bytesIn'),
  bytesOut: of('bytesOut'),
})

async function usageOf(redis: Redis, work: () => Promise<void>) {
  const before = await readRedisUsage(redis)
  const began = performance.now()
  await work()
  const seconds = (performance.now() - began) / 1000
  return { usage: usageBetween(before, await readRedisUsage(redis)), seconds }
}

test('a chunk costs Redis one script, a few commands and little more than its bytes', async ({
  quiet,
}) => {
  const [chunks, bytes] = [250, 3200]
  const socket = io(new URL(NAMESPACE, quiet.url).href, { transports: ['websocket'] })
  await socket.emitWithAck('session.start', {
    ...{ source: 'en', target: 'es' },
    endpointing: { mode: 'manual', maxDurationMs: 60_000 },
  })
  const cost = await costOf(quiet.redis, chunks, async () => {
    const stored = new Promise<void>((resolve) => {
      socket.on('audio.ack', ({ chunk }: { chunk: number }) => {
        if (chunk === chunks - 1) resolve()
      })
    })
    for (let chunk = 0; chunk < chunks; chunk++)
      socket.emit('audio.append', chunk, Buffer.alloc(bytes))
    await stored
  })
  socket.disconnect()
  expect(cost.scripts).toBeLessThan(1.1)
  expect(cost.commands).toBeLessThan(5.2)
  expect(cost.bytesIn - bytes).toBeLessThan(165)
  expect(cost.bytesOut).toBeLessThan(55)
})

test('an utterance costs Redis so many scripts, commands and bytes, and no more', async ({
  quiet,
}) => {
  const utterances = 100
  const session = await connect(quiet.url, {
    ...{ source: 'en', target: 'es', endpointing: { mode: 'manual' } },
  })
  const heard = listen(session)
  const say = async (): Promise<void> => {
    session.append(scriptedAudio({ text: 'hello' }))
    await heard.final((await session.commit()) ?? -1)
  }
  for (let i = 0; i < 5; i++) await say()
  const cost = await costOf(quiet.redis, utterances, async () => {
    for (let i = 0; i < utterances; i++) await say()
  })
  session.leave()
  expect(cost.scripts).toBeLessThan(24.3)
  expect(cost.commands).toBeLessThan(315)
  expect(cost.bytesIn).toBeLessThan(14_300)
  expect(cost.bytesOut).toBeLessThan(4300)
})

test('an idle second costs Redis little, and little more with another node', async ({ quiet }) => {
  const one = await perSecond(quiet.redis)
  expect(one.scripts).toBeLessThan(15)
  expect(one.commands).toBeLessThan(110)
  await quiet.addNode()
  const two = await perSecond(quiet.redis)
  expect(two.scripts).toBeLessThan(18)
  expect(two.commands).toBeLessThan(148)
})
