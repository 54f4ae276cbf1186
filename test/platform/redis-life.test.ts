import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { watchLife } from '../../src/platform/redis-life.ts'
import { findRedisServer, startRedisServer } from '../../src/platform/redis-server.ts'

/** A Redis that can be ended and started again, and a connection to it. */
async function openRedis() {
  const dir = await mkdtemp(join(tmpdir(), 'life-'))
  const program = await findRedisServer()
  const settings = ['port 0', 'unixsocket redis.sock', 'save ""', 'appendonly no', 'hz 100']
  const start = async () => {
    const server = await startRedisServer({ program, dir, settings })
    if (!server) throw new Error(`another Redis holds ${dir}`)
    return server
  }
  let server = await start()
  const redis = new Redis(join(dir, 'redis.sock'), { retryStrategy: () => 20 })
  redis.on('error', () => {})
  onTestFinished(async () => {
    redis.disconnect()
    server.kill('SIGKILL')
    await server.ended
    await rm(dir, { recursive: true, force: true })
  })
  const end = async (): Promise<void> => {
    server.kill('SIGKILL')
    await server.ended
  }
  return { redis, end, start: async () => void (server = await start()) }
}

test('another life of Redis is noticed as soon as it answers, and told once', async () => {
  const { redis, end, start } = await openRedis()
  const life = watchLife(redis)
  let told = 0
  life.onChanged(() => (told += 1))
  const first = await life.current()
  expect(await life.current()).toBe(first)
  await end()
  await start()
  await expect.poll(() => told, { timeout: 5000 }).toBe(1)
  expect(await life.current()).not.toBe(first)
  expect(told).toBe(1)
})

test('a connection that was cut and comes back to the same life is no news', async () => {
  const { redis } = await openRedis()
  const life = watchLife(redis)
  let told = 0
  life.onChanged(() => (told += 1))
  const first = await life.current()
  const back = new Promise((resolve) => void redis.once('ready', resolve))
  redis.disconnect(true)
  await back
  expect(await life.current()).toBe(first)
  expect(told).toBe(0)
})

test('a server that takes another role is another life', async () => {
  const { redis } = await openRedis()
  const life = watchLife(redis)
  const first = await life.current()
  await redis.replicaof('127.0.0.1', 1)
  const back = new Promise((resolve) => void redis.once('ready', resolve))
  redis.disconnect(true)
  await back
  expect(await life.current()).not.toBe(first)
})
