import { Redis } from 'ioredis'
import { expect, inject, test } from 'vitest'
import { checkRedis, isSupportedVersion } from '../../src/platform/redis-check.ts'

const answering = (info: string) => ({ info: async () => info.replaceAll('\n', '\r\n') })

test('the Redis that the tests run on is accepted', async () => {
  const redis = new Redis(inject('redisUrl'))
  await expect(checkRedis(redis, 'REDIS_URL')).resolves.toBeUndefined()
  await redis.quit()
})

test.for([
  ['6.2.14', false],
  ['7.0.0', true],
  ['7.2.4', true],
  ['10.1.0', true],
  ['unknown', false],
] as const)('version %s is supported: %s', ([version, supported]) => {
  expect(isSupportedVersion(version)).toBe(supported)
})

test('an old Redis is refused with its version and what to do', async () => {
  const old = answering('# Server\nredis_version:6.2.14\nmaxmemory_policy:noeviction\n')
  await expect(checkRedis(old, 'REDIS_URL')).rejects.toMatchObject({
    code: 'dependency_down',
    message: expect.stringMatching(
      /7\.0 or newer is needed, that of REDIS_URL is 6\.2\.14: upgrade it/,
    ),
  })
})

test('a Redis that may evict keys is refused with the command that mends it', async () => {
  const evicting = answering('redis_version:7.0.15\nmaxmemory_policy:allkeys-lru\n')
  await expect(checkRedis(evicting, 'AUDIO_REDIS_URL')).rejects.toMatchObject({
    code: 'dependency_down',
    message: expect.stringMatching(
      /of AUDIO_REDIS_URL is allkeys-lru: run CONFIG SET maxmemory-policy noeviction/,
    ),
  })
})

test('both faults are told at once', async () => {
  const bad = answering('redis_version:5.0.1\nmaxmemory_policy:volatile-ttl\n')
  await expect(checkRedis(bad, 'REDIS_URL')).rejects.toThrow(/5\.0\.1[^]*volatile-ttl/)
})

test('a user without any right but INFO is enough', async () => {
  const admin = new Redis(inject('redisUrl'))
  await admin.acl('SETUSER', 'only-info', 'on', '>secret', '+info')
  const limited = new Redis(inject('redisUrl'), { username: 'only-info', password: 'secret' })
  await expect(checkRedis(limited, 'REDIS_URL')).resolves.toBeUndefined()
  limited.disconnect()
  await admin.acl('DELUSER', 'only-info')
  await admin.quit()
})

test('a user who may not run INFO is told which right is missing', async () => {
  const admin = new Redis(inject('redisUrl'))
  await admin.acl('SETUSER', 'no-info', 'on', '>secret', '+ping')
  const limited = new Redis(inject('redisUrl'), {
    username: 'no-info',
    password: 'secret',
    enableReadyCheck: false,
  })
  await expect(checkRedis(limited, 'REDIS_URL')).rejects.toThrow(/ACL SETUSER <user> \+info/)
  limited.disconnect()
  await admin.acl('DELUSER', 'no-info')
  await admin.quit()
})
