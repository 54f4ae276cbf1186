import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Session } from '../../src/client/client.ts'
import { findRedisServer, startRedisServer } from '../../src/platform/redis-server.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { expect, test as base } from '../support/fleet.ts'
import { listen } from '../support/listen.ts'

/** A Redis of the test's own: it can be stopped without stopping the others. */
const test = base.extend('redis', async ({}, { onCleanup }) => {
  const dir = await mkdtemp(join(tmpdir(), 'redis-'))
  const settings = ['port 0', 'unixsocket redis.sock', 'save ""', 'appendonly no', 'hz 100']
  const server = await startRedisServer({ program: await findRedisServer(), dir, settings })
  if (!server) throw new Error(`${dir} is new, yet another server holds it`)
  onCleanup(async () => {
    server.kill('SIGKILL')
    await server.ended
    await rm(dir, { recursive: true, force: true })
  })
  return {
    url: join(dir, 'redis.sock'),
    kill: (signal: NodeJS.Signals) => process.kill(server.pid, signal),
  }
})

const OUTAGES_MS = [2000, 5000, 20_000]
const BETWEEN_MS = 2000
const TALKERS = 4
const AT_WORK_MS = 400
const CHUNK_MS = 100
const CHUNK_BYTES = CHUNK_MS * 32

/** Says one thing after the other, each as soon as the last is cut. */
async function talk(session: Session, over: AbortSignal) {
  const heard = listen(session)
  const started: string[] = []
  session.on('progress', ({ stage, index, attempt }) => {
    if (stage === 'started') started.push(`${index}.${attempt}`)
  })
  let said = 0
  while (!over.aborted) {
    session.append(scriptedAudio({ text: `${said}`, recognizeMs: AT_WORK_MS }))
    await session.commit()
    said += 1
    await pause(AT_WORK_MS)
  }
  const finals = await heard.finals(said)
  expect(finals.map(({ transcript }) => transcript)).toEqual(finals.map((_, i) => `${i}`))
  // An attempt that never began has no result to lose: of those that did, each gave its utterance's.
  const gave = new Set(finals.map(({ index, attempts }) => `${index}.${attempts}`))
  expect(started.filter((attempt) => !gave.has(attempt))).toEqual([])
  return said
}

/** Speaks at the pace of speech without a pause; answers how much of it came to nothing. */
async function speakOn(session: Session, over: AbortSignal) {
  const heard = listen(session)
  const began = performance.now()
  let chunks = 0
  while (!over.aborted) {
    session.append(Buffer.alloc(CHUNK_BYTES, (chunks += 1)))
    await pause(Math.max(0, began + chunks * CHUNK_MS - performance.now()))
  }
  const { lastIndex, unfinished } = await session.close()
  const finals = await heard.finals((lastIndex ?? -1) + 1)
  expect(new Set(finals.map(({ outcome }) => outcome))).toEqual(new Set(['translated']))
  const heardMs = finals.reduce((sum, { timings }) => sum + timings.audioMs, 0)
  return { unfinished, missingMs: chunks * CHUNK_MS - heardMs }
}

test(
  'a Redis that stands still for 2, 5 and 20 s fences no node, discards no result and costs nobody a word',
  { timeout: 90_000 },
  async ({ fleet, redis }) => {
    const env = { REDIS_URL: redis.url }
    const schedulers = [await fleet.scheduler(env), await fleet.scheduler(env)]
    for (const id of ['n1', 'n2', 'n3']) await fleet.node(id, env)
    const over = new AbortController()
    const talkers = await Promise.all(
      Array.from({ length: TALKERS }, (_, i) =>
        fleet.client(i % 2 === 0 ? schedulers : schedulers.toReversed()),
      ),
    )
    const speaker = await fleet.client(schedulers)
    const talks = talkers.map((session) => talk(session, over.signal))
    const speech = speakOn(speaker, over.signal)
    for (const ms of OUTAGES_MS) {
      await pause(BETWEEN_MS)
      redis.kill('SIGSTOP')
      // Not a wait for anything: the outage itself.
      await pause(ms)
      redis.kill('SIGCONT')
    }
    await pause(BETWEEN_MS)
    over.abort()
    expect(await speech).toEqual({ unfinished: 0, missingMs: 0 })
    for (const said of await Promise.all(talks)) expect(said).toBeGreaterThan(OUTAGES_MS.length)
    for (const { log } of schedulers) {
      const lines = (await readFile(log, 'utf8')).split('\n')
      expect(lines.filter((line) => line.includes('node fenced'))).toEqual([])
    }
  },
)
