import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { test as base, expect, onTestFinished } from 'vitest'
import { findEmbeddedRedis, startEmbeddedRedis } from '../../src/platform/embedded-redis.ts'

const OWNER = fileURLToPath(new URL('embedded-redis-owner.mjs', import.meta.url))

const test = base.extend('folder', async ({}, { onCleanup }) => {
  const folder = await mkdtemp(join(tmpdir(), 'embedded-'))
  onCleanup(() => rm(folder, { recursive: true, force: true }))
  return folder
})

interface Owner {
  readonly process: ChildProcess
  readonly url: string
  readonly owned: boolean
}

/** A process group of its own, as a terminal makes one for each command. */
async function startOwner(folder: string): Promise<Owner> {
  const child = spawn(process.execPath, [OWNER, folder], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { process: child, ...(JSON.parse(line) as { url: string; owned: boolean }) }
}

/** A connection that tells when its server is gone. */
async function watch(
  url: string,
): Promise<{ redis: Redis; pid: number; closed: Promise<unknown> }> {
  const redis = new Redis(url, { retryStrategy: () => null })
  redis.on('error', () => {})
  const closed = new Promise((resolve) => redis.once('end', resolve))
  const pid = Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1])
  return { redis, pid, closed }
}

/** Where nothing reaps orphans, a dead process keeps its number as a zombie. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('kill -9 of the owner takes Redis along within 2 s, and the next start has all it held', async ({
  folder,
}) => {
  const owner = await startOwner(folder)
  const { redis, pid, closed } = await watch(owner.url)
  await redis.set('kept', 'yes')
  expect(isAlive(pid)).toBe(true)
  const killedAt = performance.now()
  owner.process.kill('SIGKILL')
  await closed
  await expect.poll(() => isAlive(pid)).toBe(false)
  expect(performance.now() - killedAt).toBeLessThan(2000)

  const next = await startOwner(folder)
  expect(next.owned).toBe(true)
  const again = await watch(next.url)
  expect(await again.redis.get('kept')).toBe('yes')
  again.redis.disconnect()
})

test('ten kills in a row leave ten starts that work', async ({ folder }) => {
  for (const round of Array.from({ length: 10 }, (_, index) => index)) {
    const owner = await startOwner(folder)
    expect(owner.owned).toBe(true)
    const { redis, closed } = await watch(owner.url)
    expect(await redis.incr('round')).toBe(round + 1)
    owner.process.kill('SIGKILL')
    await closed
  }
})

test('Ctrl-C reaches the whole process group, yet Redis outlives the clean shutdown of its owner', async ({
  folder,
}) => {
  const owner = await startOwner(folder)
  const { pid } = await watch(owner.url)
  const exited = once(owner.process, 'exit')
  process.kill(-(owner.process.pid ?? 0), 'SIGINT')
  expect(await exited).toEqual([130, null])
  expect(isAlive(pid)).toBe(false)

  const next = await startEmbeddedRedis({ folder })
  onTestFinished(() => next.stop(AbortSignal.timeout(5000)))
  const { redis } = await watch(next.url)
  expect(await redis.get('last-words')).toBe('written after Ctrl-C')
  redis.disconnect()
})

test('of six processes that start at once, one owns Redis and all use it', async ({ folder }) => {
  const all = await Promise.all(Array.from({ length: 6 }, () => startOwner(folder)))
  expect(all.filter(({ owned }) => owned)).toHaveLength(1)
  expect(new Set(all.map(({ url }) => url)).size).toBe(1)
})

test('a process that only uses Redis may be killed without harm to it', async ({ folder }) => {
  const owner = await startOwner(folder)
  const user = await startOwner(folder)
  expect(user.owned).toBe(false)
  user.process.kill('SIGKILL')
  await once(user.process, 'exit')
  expect(await findEmbeddedRedis(folder)).toBe(owner.url)
})

test('a frozen owner keeps its Redis and its claim', async ({ folder }) => {
  const owner = await startOwner(folder)
  owner.process.kill('SIGSTOP')
  const second = await startOwner(folder)
  expect(second).toMatchObject({ url: owner.url, owned: false })
})
