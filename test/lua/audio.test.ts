import type { CutReason } from '../../src/protocol/events.ts'
import { sessionId } from '../../src/protocol/ids.ts'
import { expect, fiftyTimes, tally, test, type Rooms } from './rooms.ts'

const S = sessionId('s')
const LIFE = { lifeMs: 600_000 }
const open = (rooms: Rooms, epoch = 1) => rooms.audio.openAudio({ session: S, epoch, ...LIFE })
const append = (rooms: Rooms, chunk: number, text: string, epoch = 1) =>
  rooms.audio.appendAudio({ session: S, epoch, chunk, bytes: Buffer.from(text), ...LIFE })
const cutAt = (rooms: Rooms, index: number, endByte: number, reason: CutReason = 'pause') =>
  rooms.audio.cutAudio({ session: S, epoch: 1, reason, at: { index, endByte }, ...LIFE })
const cutThrough = (rooms: Rooms, through: number, epoch = 1) =>
  rooms.audio.cutAudio({ session: S, epoch, reason: 'manual', at: { through }, ...LIFE })
const cutRest = (rooms: Rooms, index: number) =>
  rooms.audio.cutAudio({
    session: S,
    epoch: 1,
    reason: 'close',
    at: { index, endByte: undefined },
    ...LIFE,
  })
const segment = (rooms: Rooms, index: number) =>
  rooms.store.audio.get(rooms.store.audioKeys.segment(S, index))

/** Opens the session's audio and stores these chunks. */
async function say(rooms: Rooms, ...chunks: string[]): Promise<void> {
  await open(rooms)
  for (const [chunk, text] of chunks.entries()) await append(rooms, chunk, text)
}

test('fresh audio expects chunk 0 of utterance 0; opening it again answers the same', async ({
  rooms,
}) => {
  const fresh = {
    ...{ kind: 'opened', nextChunk: 0, index: 0, base: 0, openBytes: 0 },
    ...{ missing: 0, pending: [] },
  }
  expect(await open(rooms)).toEqual(fresh)
  expect(await open(rooms)).toEqual(fresh)
})

test('whoever opens audio finds what is stored, open and pending', async ({ rooms }) => {
  await say(rooms, 'aaaa', 'bbbb', 'cc')
  await cutAt(rooms, 0, 6, 'max_duration')
  await cutAt(rooms, 1, 2)
  expect(await open(rooms, 2)).toEqual({
    kind: 'opened',
    nextChunk: 3,
    index: 2,
    base: 8,
    openBytes: 2,
    missing: 3,
    pending: [
      { index: 0, reason: 'max_duration', base: 0, bytes: 6, from: 0, continues: false, next: 1 },
      { index: 1, reason: 'pause', base: 6, bytes: 2, from: 0, continues: true, next: 2 },
    ],
  })
})

test('an older epoch neither opens, stores nor cuts', async ({ rooms }) => {
  await say(rooms, 'aa')
  await open(rooms, 3)
  expect(await open(rooms, 2)).toEqual({ kind: 'superseded' })
  expect(await append(rooms, 1, 'bb')).toEqual({ kind: 'superseded' })
  expect(await cutRest(rooms, 0)).toEqual({ kind: 'superseded' })
  expect(await append(rooms, 1, 'cc', 3)).toMatchObject({ kind: 'stored', nextChunk: 2 })
  expect(await segment(rooms, 0)).toBe('aacc')
})

test('audio that nobody opened takes nothing', async ({ rooms }) => {
  expect(await append(rooms, 0, 'aa')).toEqual({ kind: 'unknown_session' })
  expect(await cutRest(rooms, 0)).toEqual({ kind: 'unknown_session' })
})

test('a chunk over a hole is refused with the number that is expected', async ({ rooms }) => {
  await open(rooms)
  expect(await append(rooms, 3, 'aa')).toEqual({ kind: 'gap', expected: 0 })
  await append(rooms, 0, 'aa')
  expect(await append(rooms, 2, 'aa')).toEqual({ kind: 'gap', expected: 1 })
})

test('the same chunk sent fifty times at once is stored once', async ({ rooms }) => {
  await say(rooms, 'aa')
  const answers = await fiftyTimes(() => append(rooms, 1, 'bb'))
  expect(tally(answers.map(({ kind }) => kind))).toEqual({ stored: 50 })
  expect(await segment(rooms, 0)).toBe('aabb')
})

test('fifty chunks sent without waiting are stored in the order sent', async ({ rooms }) => {
  await open(rooms)
  const answers = await fiftyTimes((chunk) => append(rooms, chunk, String(chunk).padStart(2, '0')))
  expect(answers.at(-1)).toMatchObject({ kind: 'stored', nextChunk: 50 })
  expect(await segment(rooms, 0)).toMatch(/^000102.*4849$/)
})

test('a cut closes the segment at its byte and later bytes open the next one', async ({
  rooms,
}) => {
  await say(rooms, 'aaaa', 'bbbb')
  expect(await cutAt(rooms, 0, 6)).toEqual({
    kind: 'cut',
    cut: { index: 0, reason: 'pause', base: 0, bytes: 6, from: 0, continues: false, next: 1 },
  })
  await append(rooms, 2, 'cc')
  expect(await segment(rooms, 1)).toBe('bbcc')
  expect((await segment(rooms, 0))?.slice(0, 6)).toBe('aaaabb')
  expect(await cutRest(rooms, 1)).toMatchObject({ cut: { index: 1, base: 6, bytes: 4 } })
})

test('a cut behind the last byte takes what there is', async ({ rooms }) => {
  await say(rooms, 'aaaa')
  expect(await cutAt(rooms, 0, 100)).toMatchObject({ cut: { bytes: 4 } })
})

test('a cut of nothing is empty and consumes no index', async ({ rooms }) => {
  await open(rooms)
  expect(await cutRest(rooms, 0)).toEqual({ kind: 'empty' })
  expect(await cutAt(rooms, 0, 8)).toEqual({ kind: 'empty' })
  await append(rooms, 0, 'aa')
  expect(await cutRest(rooms, 0)).toMatchObject({ cut: { index: 0 } })
  expect(await cutRest(rooms, 1)).toEqual({ kind: 'empty' })
  await append(rooms, 1, 'bb')
  expect(await cutRest(rooms, 1)).toMatchObject({ cut: { index: 1 } })
})

test('one cut asked for fifty times at once is made once', async ({ rooms }) => {
  await say(rooms, 'aaaa', 'bbbb', 'cccc')
  const byByte = await fiftyTimes(() => cutAt(rooms, 0, 4))
  expect(tally(byByte.map(({ kind }) => kind))).toEqual({ cut: 1, repeat: 49 })
  const byChunk = await fiftyTimes(() => cutThrough(rooms, 1))
  expect(tally(byChunk.map(({ kind }) => kind))).toEqual({ cut: 1, repeat: 49 })
  expect(await open(rooms)).toMatchObject({ index: 2, openBytes: 4 })
})

test('a cut through a chunk that is not stored yet says which is expected', async ({ rooms }) => {
  await say(rooms, 'aa')
  expect(await cutThrough(rooms, 1)).toEqual({ kind: 'gap', expected: 1 })
  expect(await open(rooms)).toMatchObject({ index: 0 })
})

test('a repeated commit answers its index, also after later cuts', async ({ rooms }) => {
  await say(rooms, 'aa', 'bb', 'cc', 'dd')
  await cutThrough(rooms, 1)
  await cutThrough(rooms, 2)
  await cutThrough(rooms, 3)
  const repeats = await Promise.all([0, 1, 2, 3].map((chunk) => cutThrough(rooms, chunk)))
  expect(repeats.map((each) => each.kind === 'repeat' && each.index)).toEqual([0, 0, 1, 2])
})

test('a commit after a cut inside its chunk takes the rest of that chunk and no more', async ({
  rooms,
}) => {
  await say(rooms, 'aaaa', 'bbbb', 'cccc', 'dddd')
  await cutAt(rooms, 0, 6, 'max_duration')
  expect(await cutThrough(rooms, 1)).toMatchObject({ cut: { index: 1, base: 6, bytes: 2 } })
  expect(await cutThrough(rooms, 2)).toMatchObject({ cut: { index: 2, base: 8, bytes: 4 } })
  expect(await cutThrough(rooms, 1)).toMatchObject({ kind: 'repeat', index: 1 })
  expect(await segment(rooms, 3)).toBe('dddd')
})

test('a commit is answered with the cut that its chunk ended in, though later cuts fell into the next chunk', async ({
  rooms,
}) => {
  await say(rooms, 'aa', 'b'.repeat(40))
  for (let index = 0; index < 9; index += 1) await cutAt(rooms, index, 2, 'max_duration')
  expect(await cutThrough(rooms, 0)).toMatchObject({ kind: 'repeat', index: 0 })
  await append(rooms, 2, 'cc')
  expect(await cutThrough(rooms, 1)).toMatchObject({ cut: { index: 9 } })
  await append(rooms, 3, 'd'.repeat(40))
  await cutAt(rooms, 10, 4, 'max_duration')
  await cutAt(rooms, 11, 4, 'max_duration')
  const repeats = await Promise.all([0, 1, 2].map((chunk) => cutThrough(rooms, chunk)))
  expect(repeats.map((each) => each.kind === 'repeat' && each.index)).toEqual([0, 9, 10])
})

test('a tenth cut inside a chunk does not take the place of the ninth that ended one', async ({
  rooms,
}) => {
  await say(rooms, ...Array.from({ length: 10 }, () => 'aa'), 'b'.repeat(20))
  for (let chunk = 0; chunk < 10; chunk += 1) await cutThrough(rooms, chunk)
  await cutAt(rooms, 10, 4, 'max_duration')
  expect(await cutThrough(rooms, 9)).toMatchObject({ kind: 'repeat', index: 9 })
})

test('only what follows a max_duration cut goes on with the utterance before', async ({
  rooms,
}) => {
  await say(rooms, 'aaaa', 'bb')
  const cuts = [
    await cutAt(rooms, 0, 2, 'max_duration'),
    await cutAt(rooms, 1, 2, 'pause'),
    await cutAt(rooms, 2, 2, 'max_duration'),
  ]
  expect(cuts.map((each) => each.kind === 'cut' && each.cut.continues)).toEqual([
    false,
    true,
    false,
  ])
})

test('a session that speaks or is opened again keeps its audio alive', async ({ rooms }) => {
  const { audio, audioKeys } = rooms.store
  const hash = audioKeys.audio(S)
  const segment1 = audioKeys.segment(S, 1)
  const names = [hash, segment1, `${segment1}:ends`, `${hash}:cuts`]
  const expectLong = async (of: readonly string[]): Promise<void> => {
    for (const name of of) expect(await audio.pttl(name), name).toBeGreaterThan(590_000)
  }
  await say(rooms, 'aa')
  await audio.pexpire(hash, 5000)
  await cutThrough(rooms, 0)
  await append(rooms, 1, 'bb')
  await expectLong(names)
  for (const name of names) await audio.pexpire(name, 5000)
  await open(rooms)
  await expectLong(names)
})

test('a cut leaves no chunk ends of its own behind, and remembers a thousand cuts', async ({
  rooms,
}) => {
  const { audio, audioKeys } = rooms.store
  const cuts = `${audioKeys.audio(S)}:cuts`
  await say(rooms, 'aa')
  const older = Array.from({ length: 1000 }, (_, i) => [i - 1000, `old${i}`])
  await audio.zadd(cuts, ...older.flat())
  await cutThrough(rooms, 0)
  expect(await audio.exists(`${audioKeys.segment(S, 0)}:ends`)).toBe(0)
  expect(await audio.zcard(cuts)).toBe(1000)
  expect(await cutThrough(rooms, 0)).toMatchObject({ kind: 'repeat', index: 0 })
})

test('bytes that a cut moved on have a whole life of their own', async ({ rooms }) => {
  const { audio, audioKeys } = rooms.store
  await say(rooms, 'aaaa')
  await cutAt(rooms, 0, 2)
  const moved = audioKeys.segment(S, 1)
  for (const name of [moved, `${moved}:ends`])
    expect(await audio.pttl(name), name).toBeGreaterThan(590_000)
})
