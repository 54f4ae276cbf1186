import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { findRedisServer, startRedisServer } from '../../src/platform/redis-server.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { expect, test as base, type Fleet } from '../support/fleet.ts'
import { listen } from '../support/listen.ts'
import { RawClient } from '../support/raw-client.ts'

interface Trouble {
  begin(): Promise<unknown>
  end(): Promise<unknown>
}

/** A Redis of the test's own that can be brought into trouble. */
const test = base.extend('redis', async ({}, { onCleanup }) => {
  const dir = await mkdtemp(join(tmpdir(), 'redis-'))
  const program = await findRedisServer()
  const settings = ['port 0', 'unixsocket redis.sock', 'save ""', 'hz 100']
  const start = async () => {
    const durable = ['appendonly yes', 'appendfsync always']
    const server = await startRedisServer({ program, dir, settings: [...settings, ...durable] })
    if (!server) throw new Error(`another server holds ${dir}`)
    return server
  }
  let server = await start()
  const url = join(dir, 'redis.sock')
  const admin = new Redis(url)
  admin.on('error', () => {})
  onCleanup(async () => {
    admin.disconnect()
    server.kill('SIGKILL')
    await server.ended
    await rm(dir, { recursive: true, force: true })
  })
  const troubles = {
    'is gone': {
      async begin() {
        server.kill('SIGKILL')
        await server.ended
      },
      end: async () => void (server = await start()),
    },
    'is read-only': {
      begin: () => admin.replicaof('127.0.0.1', 1),
      end: () => admin.replicaof('NO', 'ONE'),
    },
    'is full': {
      begin: () => admin.config('SET', 'maxmemory', '1'),
      end: () => admin.config('SET', 'maxmemory', '0'),
    },
  } satisfies Record<string, Trouble>
  return { url, troubles }
})

const TROUBLE_MS = 3000
const CHUNK_MS = 100
const DOWN = { code: 'dependency_down', retryAfterMs: 500 }

/** A system at work: one utterance is done, and somebody else is about to begin. */
async function begin(fleet: Fleet, url: string) {
  // No test of leases: those have theirs.
  const env = { REDIS_URL: url, LINGUA_NODE_LEASE_MS: '10000' }
  const scheduler = await fleet.scheduler(env)
  await fleet.node('n1', env)
  const session = await fleet.client([scheduler])
  const heard = listen(session)
  session.append(scriptedAudio({ text: 'before' }))
  await session.commit()
  await heard.final(0)
  return { scheduler, session, heard, raw: new RawClient(scheduler.ready.url ?? '') }
}

test.for(['is read-only', 'is full'] as const)(
  'while Redis %s clients are told and stay, and all goes on within 2 s of its return',
  { timeout: 60_000 },
  async (what, { fleet, redis }) => {
    const { scheduler, session, heard, raw } = await begin(fleet, redis.url)
    const idle = new RawClient(scheduler.ready.url ?? '')
    await raw.grant()
    raw.append(0, Buffer.alloc(3200))
    await raw.until(() => raw.acked === 0)

    const ready = async (): Promise<string> => (await fetch(`${scheduler.ready.url}/readyz`)).text()
    expect(await ready()).toBe('ready\n')

    const trouble = redis.troubles[what]
    await trouble.begin()
    expect(await ready()).toBe(`redis refuses: ${what === 'is full' ? 'OOM' : 'READONLY'}\n`)
    const began = performance.now()
    for (const chunk of [1, 2, 3, 4]) raw.append(chunk, Buffer.alloc(3200))
    session.append(scriptedAudio({ text: 'meanwhile' }, TROUBLE_MS * 32))
    const committed = session.commit()
    expect(await raw.until(() => raw.errors[0])).toMatchObject({
      ...DOWN,
      details: { expected: 1 },
    })
    const refused = { ok: false, error: DOWN }
    expect(await raw.ask('utterance.commit', { through: 0 })).toMatchObject(refused)
    expect(await raw.ask('session.close')).toMatchObject(refused)
    expect(await idle.start()).toMatchObject(refused)
    expect(raw.errors).toHaveLength(1)
    // Not a wait for anything: the trouble itself.
    await pause(Math.max(0, began + TROUBLE_MS - performance.now()))
    await trouble.end()

    const endedAt = performance.now()
    expect(await committed).toBe(1)
    expect(await heard.final(1)).toMatchObject({ outcome: 'translated', transcript: 'meanwhile' })
    expect(performance.now() - endedAt).toBeLessThan(2000)
    // Refused or not answered in time: asked again it is made, or it was.
    expect(await raw.ask('utterance.commit', { through: 0 })).toEqual({ ok: true, index: 0 })
    for (let chunk = 1; chunk <= TROUBLE_MS / CHUNK_MS; chunk += 1)
      raw.append(chunk, Buffer.alloc(3200))
    // The first tries whether Redis is back; the others are asked for when it is.
    const { details } = await raw.until(() => raw.errors[1])
    for (let chunk = Number(details?.['expected']); chunk <= 30; chunk += 1)
      raw.append(chunk, Buffer.alloc(3200))
    await raw.until(() => raw.acked === 30)
    expect(raw.errors.map(({ code }) => code)).toEqual(['dependency_down', 'chunk_gap'])
    expect(await raw.ask('utterance.commit', { through: 30 })).toEqual({ ok: true, index: 1 })
    expect(await raw.ask('session.close')).toEqual({ ok: true, lastIndex: 1, unfinished: 0 })
    for (const client of [raw, idle]) client.leave()
  },
)

test(
  'while Redis is gone clients stay, and when another life of it begins they resume by themselves within 2 s',
  { timeout: 60_000 },
  async ({ fleet, redis }) => {
    const { session, heard, raw } = await begin(fleet, redis.url)
    await raw.grant()

    const trouble = redis.troubles['is gone']
    await trouble.begin()
    raw.append(0, Buffer.alloc(3200))
    expect(await raw.until(() => raw.errors[0])).toMatchObject({
      ...DOWN,
      details: { expected: 0 },
    })
    session.append(scriptedAudio({ text: 'meanwhile' }, TROUBLE_MS * 32))
    const committed = session.commit()
    // Not a wait for anything: the trouble itself.
    await pause(TROUBLE_MS)
    expect(raw.socket.connected).toBe(true)
    await trouble.end()

    const endedAt = performance.now()
    expect(await committed).toBe(1)
    expect(await heard.final(1)).toMatchObject({ outcome: 'translated', transcript: 'meanwhile' })
    expect(performance.now() - endedAt).toBeLessThan(2000)
    // What it has may be older: each client is asked to come back with what it knows.
    await raw.until(() => raw.goaways.length > 0 && raw.socket.disconnected)
    raw.leave()
  },
)
