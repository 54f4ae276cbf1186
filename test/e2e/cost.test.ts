import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
 * lies a little above what was counted when it was set; lower them when a change makes things cheaper.
 */

interface Quiet {
  readonly url: string
  readonly redis: Redis
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
  const engine = createScriptedEngine({ node: 'n', pairs: ['en>es'] })
  const node = await createNode({ ...(await openOne()), engine })
  undo.push(() => node.stop(1000))
  const redis = new Redis(server.url)
  undo.push(async () => redis.disconnect())
  return { url: scheduler.url, redis }
}

const test = base.extend('quiet', ({}, { onCleanup }) => openQuiet(onCleanup))

async function usageOf(redis: Redis, work: () => Promise<void>): Promise<RedisUsage> {
  const before = await readRedisUsage(redis)
  await work()
  return usageBetween(before, await readRedisUsage(redis))
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
  const { scripts, commands, bytesIn, bytesOut } = await usageOf(quiet.redis, async () => {
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
  expect(scripts / chunks).toBeLessThan(1.1)
  expect(commands / chunks).toBeLessThan(6)
  expect(bytesIn / chunks - bytes).toBeLessThan(180)
  expect(bytesOut / chunks).toBeLessThan(60)
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
  const { scripts, commands, bytesIn, bytesOut } = await usageOf(quiet.redis, async () => {
    for (let i = 0; i < utterances; i++) await say()
  })
  session.leave()
  expect(scripts / utterances).toBeLessThan(25)
  expect(commands / utterances).toBeLessThan(340)
  expect(bytesIn / utterances).toBeLessThan(16_000)
  expect(bytesOut / utterances).toBeLessThan(4800)
})
