import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, vi } from 'vitest'
import { createLog } from '../../src/platform/log.ts'
import { isRedisDown, openStore } from '../../src/platform/redis.ts'
import { stateOf } from '../support/promises.ts'
import { expect, test } from '../support/store.ts'

const CONNECT_MS = 5000

/** How long the Redis client itself holds on to a socket that it was told to drop. */
const LET_GO_MS = 2000

test('a Redis that is not there is given 5 s, then told with its remedy, and left alone', async ({
  onTestFinished,
}) => {
  const dir = await mkdtemp(join(tmpdir(), 'dead-'))
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(async () => {
    vi.useRealTimers()
    await rm(dir, { recursive: true })
  })
  const outcome = openStore({
    url: join(dir, 'redis.sock'),
    audioUrl: undefined,
    prefix: '{nowhere}',
    name: 'test',
    log: createLog('silent', 'test'),
  }).catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(CONNECT_MS - 1)
  expect(await stateOf(outcome)).toBe('pending')
  await vi.advanceTimersByTimeAsync(1)
  expect(await outcome).toMatchObject({
    name: 'LinguaError',
    code: 'dependency_down',
    message: expect.stringMatching(
      /^Redis did not answer within 5000 ms: start it, or correct REDIS_URL \(connect ENOENT .+\)$/,
    ),
    cause: { code: 'ENOENT' },
  })
  await vi.advanceTimersByTimeAsync(LET_GO_MS)
  expect(vi.getTimerCount()).toBe(0)
})

describe('a store', () => {
  test('fails fast where work can be put off, and waits where BullMQ must', async ({ store }) => {
    const promptly = { enableOfflineQueue: false, commandTimeout: 2000 }
    expect(store.control.options).toMatchObject(promptly)
    expect(store.audio.options).toMatchObject(promptly)
    expect(store.worker.options).toMatchObject({ maxRetriesPerRequest: null })
  })

  test('gives what is published on its channels to who listens', async ({ store }) => {
    const channel = `${store.keys.prefix}:news`
    const heard = new Promise<string>(
      (resolve) =>
        void store.subscribe(channel, resolve).then(() => store.control.publish(channel, 'hello')),
    )
    expect(await heard).toBe('hello')
  })

  test('once closed refuses work at once, as a Redis that is down', async ({ store }) => {
    await store.close()
    const error: unknown = await store.control.ping().catch((failure: unknown) => failure)
    expect(isRedisDown(error)).toBe(true)
  })

  test('may be closed twice', async ({ store }) => {
    await store.close()
    await expect(store.close()).resolves.toBeUndefined()
  })
})

describe('an error', () => {
  test.for([
    'Connection is closed.',
    "Stream isn't writeable and enableOfflineQueue options is false",
    'Command timed out',
    'connect ECONNREFUSED 127.0.0.1:6379',
    'read ECONNRESET',
    'connect ENOENT /run/redis.sock',
    'Reached the max retries per request limit (which is 1). Refer to "maxRetriesPerRequest" option for details.',
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist on disk.',
    'NOREPLICAS Not enough good replicas to write.',
    'CLUSTERDOWN The cluster is down',
  ])('says that Redis is down: %s', (message) => {
    expect(isRedisDown(new Error(message))).toBe(true)
  })

  test.for([
    'ERR Error running script',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'NOSCRIPT No matching script. Please use EVAL.',
    'NOPERM this user has no permissions',
    'no such script: settle-8.lua',
    'the text was OOM',
    '',
  ])('does not say so: %s', (message) => {
    expect(isRedisDown(new Error(message))).toBe(false)
  })

  test.for(['Connection is closed.', undefined, null, { message: 'Command timed out' }])(
    'that is none does not say so either: %s',
    (thrown) => {
      expect(isRedisDown(thrown)).toBe(false)
    },
  )
})
