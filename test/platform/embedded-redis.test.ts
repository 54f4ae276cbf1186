import {
  appendFile,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { test as base, expect, onTestFinished, vi } from 'vitest'
import { findEmbeddedRedis, startEmbeddedRedis } from '../../src/platform/embedded-redis.ts'
import { checkRedis } from '../../src/platform/redis-check.ts'

const inTime = (): AbortSignal => AbortSignal.timeout(5000)

const test = base.extend('folder', async ({}, { onCleanup }) => {
  const folder = await mkdtemp(join(tmpdir(), 'embedded-'))
  onCleanup(() => rm(folder, { recursive: true, force: true }))
  return folder
})

async function start(folder: string) {
  const embedded = await startEmbeddedRedis({ folder })
  onTestFinished(() => embedded.stop(inTime()))
  return embedded
}

async function ask<T>(url: string, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { retryStrategy: () => null })
  redis.on('error', () => {})
  try {
    return await question(redis)
  } finally {
    redis.disconnect()
  }
}

const pidOf = async (folder: string): Promise<number> =>
  JSON.parse(await readFile(join(folder, '.lingua/redis/endpoint.json'), 'utf8')).pid

async function killRedis(folder: string, url: string): Promise<void> {
  const redis = new Redis(url, { retryStrategy: () => null })
  redis.on('error', () => {})
  const closed = new Promise((resolve) => redis.once('end', resolve))
  await redis.ping()
  process.kill(await pidOf(folder), 'SIGKILL')
  await closed
}

/** A PATH of one folder holding a `redis-server` that is this shell script, or nothing. */
async function onlyProgram(folder: string, script?: string): Promise<void> {
  const bin = join(folder, 'bin')
  await mkdir(bin)
  if (script !== undefined) await writeFile(join(bin, 'redis-server'), `#!/bin/sh\n${script}\n`)
  for (const file of await readdir(bin)) await chmod(join(bin, file), 0o755)
  vi.stubEnv('PATH', bin)
  onTestFinished(() => void vi.unstubAllEnvs())
}

test('it serves on a unix socket that only its user may open, and passes our own check', async ({
  folder,
}) => {
  const { url, owned } = await start(folder)
  expect(owned).toBe(true)
  expect(url).toBe(join(folder, '.lingua/redis/redis.sock'))
  expect((await stat(url)).mode & 0o777).toBe(0o700)
  await ask(url, (redis) => checkRedis(redis, 'REDIS_URL'))
  const settings = await ask(url, (redis) =>
    redis.config('GET', 'appendonly', 'appendfsync', 'save', 'hz', 'port'),
  )
  expect(settings).toEqual(
    expect.arrayContaining(['appendonly', 'yes', 'appendfsync', 'everysec', 'hz', '100', 'port']),
  )
})

test('its state survives a stop, and nothing answers in between', async ({ folder }) => {
  const first = await start(folder)
  await ask(first.url, (redis) => redis.set('kept', 'yes'))
  await first.stop(inTime())
  expect(await findEmbeddedRedis(folder)).toBeUndefined()
  const second = await start(folder)
  expect(await ask(second.url, (redis) => redis.get('kept'))).toBe('yes')
})

test('stopping twice is stopping once', async ({ folder }) => {
  const embedded = await start(folder)
  await Promise.all([embedded.stop(inTime()), embedded.stop(inTime())])
  await expect(embedded.stop(inTime())).resolves.toBeUndefined()
})

test('a second process of the folder uses it and cannot end it', async ({ folder }) => {
  const owner = await start(folder)
  const user = await start(folder)
  expect(user).toMatchObject({ url: owner.url, owned: false })
  await user.stop(inTime())
  expect(await findEmbeddedRedis(folder)).toBe(owner.url)
})

test('of many that start at once, one owns it and all use it', async ({ folder }) => {
  const all = await Promise.all(Array.from({ length: 8 }, () => start(folder)))
  expect(all.filter(({ owned }) => owned)).toHaveLength(1)
  expect(new Set(all.map(({ url }) => url)).size).toBe(1)
})

test('a copy of the folder does not find the Redis of the original', async ({ folder }) => {
  const original = await start(join(folder, 'original'))
  await mkdir(join(folder, 'copy/.lingua/redis'), { recursive: true })
  const endpoint = '.lingua/redis/endpoint.json'
  await cp(join(folder, 'original', endpoint), join(folder, 'copy', endpoint))
  expect(await findEmbeddedRedis(join(folder, 'copy'))).toBeUndefined()
  expect((await start(join(folder, 'copy'))).url).not.toBe(original.url)
})

test('a folder too deep for a socket gets a loopback port behind a password', async ({
  folder,
}) => {
  const deep = join(folder, 'd'.repeat(120))
  const { url } = await start(deep)
  expect(url).toMatch(/^redis:\/\/:\w{48}@127\.0\.0\.1:\d+$/)
  expect(await findEmbeddedRedis(deep)).toBe(url)
  await ask(url, (redis) => checkRedis(redis, 'REDIS_URL'))
  const withoutPassword = `redis://${url.split('@')[1]}`
  await expect(ask(withoutPassword, (redis) => redis.get('any'))).rejects.toThrow('NOAUTH')
})

test('a folder with blanks, quotes and accents in its name serves like any other', async ({
  folder,
}) => {
  const { url } = await start(join(folder, `my "földer" #1 100%`))
  expect(await ask(url, (redis) => redis.ping())).toBe('PONG')
})

test('after a crash of Redis the left-over socket and a torn last write do not matter', async ({
  folder,
}) => {
  const { url } = await start(folder)
  await ask(url, (redis) => redis.set('kept', 'yes'))
  await killRedis(folder, url)
  expect(await findEmbeddedRedis(folder)).toBeUndefined()
  const aof = join(folder, '.lingua/redis/appendonlydir')
  const last = (await readdir(aof)).find((file) => file.endsWith('.incr.aof')) ?? ''
  await appendFile(join(aof, last), '*3\r\n$3\r\nSET\r\n$4\r\nto')
  const again = await start(folder)
  expect(again.owned).toBe(true)
  expect(await ask(again.url, (redis) => redis.mget('kept', 'torn'))).toEqual(['yes', null])
})

test('a Redis that does not start shows what it said last', async ({ folder }) => {
  const aof = join(folder, '.lingua/redis/appendonlydir')
  await mkdir(aof, { recursive: true })
  await writeFile(join(aof, 'appendonly.aof.manifest'), 'this is no manifest\n')
  await expect(start(folder)).rejects.toMatchObject({
    code: 'dependency_down',
    message: expect.stringMatching(/redis-server did not start \(1\)[^]*manifest/),
  })
})

test('without redis-server the remedy is told', async ({ folder }) => {
  await onlyProgram(folder)
  await expect(start(folder)).rejects.toMatchObject({
    code: 'dependency_down',
    message: expect.stringMatching(/installed: apt-get install redis-server, or set REDIS_URL/),
  })
})

test('a redis-server older than 7.0 is refused', async ({ folder }) => {
  await onlyProgram(folder, 'echo Redis server v=6.2.14 sha=00000000:0')
  await expect(start(folder)).rejects.toThrow('redis-server 6.2.14 is older than 7.0')
})

test('without flock its absence is told', async ({ folder }) => {
  await onlyProgram(folder, 'echo Redis server v=7.0.15 sha=00000000:0')
  await expect(start(folder)).rejects.toThrow('needs flock and setpriv of util-linux')
})
