import * as fc from 'fast-check'
import type { Session } from '../../src/session/session.ts'
import { expect, test } from '../support/store.ts'
import { openRoom, quick, slow } from './room.ts'

const MS = 32
const VAD = { mode: 'vad', pauseMs: 500 } as const
/** No two samples of speech are the same for a while, so that none can be taken for another. */
const loud = (durationMs: number, from = 0): Buffer => {
  const samples = Int16Array.from(
    { length: durationMs * 16 },
    (_, i) => 1000 + ((from + i) % 20_011),
  )
  return Buffer.from(samples.buffer)
}
const quiet = (durationMs: number): Buffer => Buffer.alloc(durationMs * MS)

/** Sends audio in chunks of 40 ms and does what is due. */
async function say(session: Session, audio: Buffer, { from = 0, chunk = 40 * MS } = {}) {
  let next = from
  for (let at = 0; at < audio.length; at += chunk) {
    await session.append(next, audio.subarray(at, at + chunk))
    await session.tick()
    next += 1
  }
  return next
}

test('speech becomes utterances, each with what was said, where it was said, and no silence', async ({
  store,
}) => {
  const { start, jobs, audioOf } = openRoom(store)
  const { session } = await start(VAD)
  const spoken = [loud(1000), loud(600, 7000)] as const
  await say(session, Buffer.concat([quiet(2000), spoken[0], quiet(900), spoken[1], quiet(600)]))
  expect([...jobs.values()].map(({ startMs, reason }) => ({ startMs, reason }))).toEqual([
    { startMs: 1800, reason: 'pause' },
    { startMs: 3700, reason: 'pause' },
  ])
  for (const [index, job] of jobs) {
    const audio = await audioOf(job)
    expect(audio.length).toBe(job.audio.bytes)
    expect(audio.subarray(200 * MS, 200 * MS + (spoken[index]?.length ?? 0))).toEqual(spoken[index])
    expect(audio.length - 200 * MS - (spoken[index]?.length ?? 0)).toBe(300 * MS)
  }
})

test('a commit where nothing was said makes no utterance, however often it is repeated', async ({
  store,
}) => {
  const { start, jobs } = openRoom(store)
  const { session } = await start(VAD)
  let next = await say(session, quiet(3000))
  expect(await session.commit(undefined)).toBeNull()
  const silent = next - 20
  next = await say(session, Buffer.concat([loud(500), quiet(600)]), { from: next })
  expect(jobs.size).toBe(1)
  expect(await session.commit(silent)).toBeNull()
  expect(await session.commit(next - 1)).toBeNull()
  await say(session, loud(400), { from: next })
  expect(await session.commit(next + 9)).toBe(1)
  expect(await session.commit(next + 9)).toBe(1)
  expect(jobs.size).toBe(2)
})

test('a commit waits for what was said before it to be heard, not for what is said after', async ({
  store,
}) => {
  const { start, jobs } = openRoom(store, slow)
  const { session } = await start(VAD)
  void session.append(0, loud(500))
  const committed = session.commit(undefined)
  void session.append(1, loud(300))
  expect(await committed).toBe(0)
  expect(jobs.get(0)?.audio.bytes).toBe(500 * MS)
  await session.cutRest('close')
  expect(jobs.get(1)?.audio.bytes).toBe(300 * MS)
})

test('a session that ends listens until what was asked before is done', async ({ store }) => {
  const { start, jobs } = openRoom(store, slow)
  const { session } = await start(VAD)
  await session.append(0, loud(500))
  const committed = session.cutRest('disconnect')
  session.end()
  await committed
  expect(jobs.size).toBe(1)
})

test('a chunk whose answer was lost is heard in its place when it is sent again', async ({
  store,
}) => {
  const { start, jobs, loseAnswer } = openRoom(store)
  const { session } = await start(VAD)
  const chunks = [quiet(400), loud(300), quiet(300), loud(300), quiet(600)]
  await session.append(0, chunks[0] ?? quiet(0))
  loseAnswer()
  const [first] = await Promise.allSettled(
    [1, 2, 3, 4].map((chunk) => session.append(chunk, chunks[chunk] ?? quiet(0))),
  )
  expect(first?.status).toBe('rejected')
  await session.tick()
  expect(jobs.size).toBe(0)
  for (const chunk of [1, 2, 3, 4]) await session.append(chunk, chunks[chunk] ?? quiet(0))
  await session.tick()
  expect([...jobs.values()]).toMatchObject([
    { startMs: 200, audio: { bytes: (200 + 900 + 300) * MS } },
  ])
})

test('whoever resumes a session hears what was said before, and where its pause began', async ({
  store,
}) => {
  const { start, resume, jobs, audioOf } = openRoom(store, slow)
  const first = await start(VAD)
  const next = await say(first.session, Buffer.concat([quiet(400), loud(1000), quiet(300)]))
  const { session, nextChunk } = await resume(first)
  expect(nextChunk).toBe(next)
  await say(session, quiet(300), { from: next })
  await session.commit(undefined)
  const job = jobs.get(0)
  expect(job).toMatchObject({ reason: 'pause', startMs: 200 })
  expect(job && (await audioOf(job)).subarray(200 * MS, 1200 * MS)).toEqual(loud(1000))
})

test.for(['append', 'drop', 'cut'] as const)(
  'an answer that was lost (%s) loses no speech and doubles none',
  async (lost, { store }) => {
    const { start, jobs, audioOf, loseAnswer, clock } = openRoom(store)
    const { session } = await start(VAD)
    const audio = Buffer.concat([quiet(1000), loud(1000), quiet(700), loud(1000), quiet(700)])
    const chunk = 100 * MS
    const loseAt = { append: 12, drop: 6, cut: 24 }[lost]
    for (let next = 0; next * chunk < audio.length; next += 1) {
      const bytes = audio.subarray(next * chunk, (next + 1) * chunk)
      if (next === loseAt && lost === 'append') loseAnswer()
      await session.append(next, bytes).catch(() => session.append(next, bytes))
      if (next === loseAt && lost !== 'append') loseAnswer()
      await session.tick().catch(() => {})
      clock.at += 1000
    }
    await session.tick()
    const heard = await Promise.all([...jobs.values()].map(audioOf))
    expect([...jobs.keys()]).toEqual([0, 1])
    expect(heard.map((each) => each.subarray(200 * MS, 1200 * MS).equals(loud(1000)))).toEqual([
      true,
      true,
    ])
  },
)

interface Act {
  readonly kind: 'speak' | 'commit' | 'tick' | 'resume' | 'fall silent'
  readonly ms: number
}
const acts = fc.array(
  fc.record<Act>({
    kind: fc.constantFrom(
      'speak',
      'speak',
      'fall silent',
      'fall silent',
      'commit',
      'tick',
      'resume',
    ),
    ms: fc.integer({ min: 8, max: 100 }).map((n) => n * 20),
  }),
  { minLength: 1, maxLength: 25 },
)

test.for([
  ['at once', quick],
  ['later', slow],
] as const)(
  'whatever is said, committed and taken over, each byte of speech is in one job, in order (judged %s)',
  { timeout: 60_000 },
  async ([, vads], { store }) => {
    const property = fc.asyncProperty(acts, async (all) => {
      const { start, resume, jobs, audioOf } = openRoom(store, vads)
      let live = await start({ mode: 'vad', pauseMs: 300, maxDurationMs: 2000 })
      const sent: Buffer[] = []
      const waiting: Promise<unknown>[] = []
      const told: (number | null)[] = []
      let next = 0
      let spoken = 0
      const send = (audio: Buffer): void => {
        sent.push(audio)
        for (let at = 0; at < audio.length; at += 100 * MS) {
          waiting.push(live.session.append(next, audio.subarray(at, at + 100 * MS)))
          next += 1
        }
      }
      for (const { kind, ms } of all) {
        if (kind === 'fall silent') send(quiet(ms))
        if (kind === 'speak') {
          send(loud(ms, spoken))
          spoken += ms * 16
        }
        const { session } = live
        if (kind === 'tick') waiting.push(session.tick())
        if (kind === 'commit') waiting.push(session.commit(undefined).then((i) => told.push(i)))
        if (kind !== 'resume') continue
        await Promise.all(waiting.splice(0))
        live = await resume(live)
        await live.session.tick()
      }
      await Promise.all(waiting)
      await live.session.tick()
      await live.session.cutRest('close')
      const stream = Buffer.concat(sent)
      const inOrder = [...jobs.values()].toSorted((a, b) => a.index - b.index)
      expect(inOrder.map(({ index }) => index)).toEqual(inOrder.map((_, i) => i))
      let at = 0
      for (const job of inOrder) {
        const audio = await audioOf(job)
        expect(audio.length).toBe(job.audio.bytes)
        const begin = job.startMs * MS
        expect(begin).toBeGreaterThanOrEqual(at)
        expect(audio.equals(stream.subarray(begin, begin + audio.length))).toBe(true)
        expect(longestSpeech(stream.subarray(at, begin))).toBeLessThan(150)
        expect(speechIn(audio)).toBeGreaterThanOrEqual(150)
        at = begin + audio.length
      }
      expect(longestSpeech(stream.subarray(at))).toBeLessThan(150)
    })
    await fc.assert(property, { numRuns: 40 })
  },
)

const runsIn = (audio: Buffer): readonly number[] => {
  const runs: number[] = [0]
  for (let at = 0; at < audio.length; at += 2 * 16)
    if (audio.readInt16LE(at) !== 0) runs[runs.length - 1] = (runs.at(-1) ?? 0) + 1
    else if (runs.at(-1) !== 0) runs.push(0)
  return runs
}
/** In ms. */
const longestSpeech = (audio: Buffer): number => Math.max(...runsIn(audio))
const speechIn = (audio: Buffer): number => runsIn(audio).reduce((sum, run) => sum + run, 0)
