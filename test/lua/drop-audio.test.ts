import type { CutPoint } from '../../lua/audio.ts'
import type { CutReason } from '../../src/protocol/events.ts'
import { sessionId } from '../../src/protocol/ids.ts'
import { expect, fiftyTimes, tally, test, type Rooms } from './rooms.ts'

const S = sessionId('s')
const LIFE = { lifeMs: 600_000 }
const open = (rooms: Rooms, epoch = 1) => rooms.audio.openAudio({ session: S, epoch, ...LIFE })
const append = (rooms: Rooms, chunk: number, text: string) =>
  rooms.audio.appendAudio({ session: S, epoch: 1, chunk, bytes: Buffer.from(text), ...LIFE })
const drop = (rooms: Rooms, before: number, epoch = 1) =>
  rooms.audio.dropAudio({ session: S, epoch, before, ...LIFE })
const cut = (
  rooms: Rooms,
  at: CutPoint,
  over: { begin?: number; enough?: number; reason?: CutReason } = {},
) => rooms.audio.cutAudio({ session: S, epoch: 1, reason: 'pause', at, ...LIFE, ...over })
const segment = (rooms: Rooms, index: number) =>
  rooms.store.audio.get(rooms.store.audioKeys.segment(S, index))

/** Opens the session's audio and stores these chunks. */
async function say(rooms: Rooms, ...chunks: string[]): Promise<void> {
  await open(rooms)
  for (const [chunk, text] of chunks.entries()) await append(rooms, chunk, text)
}

test('what lies before the byte goes, the rest and the place of its chunks stay', async ({
  rooms,
}) => {
  await say(rooms, 'aaaa', 'bbbb', 'cccc', 'dddd')
  expect(await drop(rooms, 6)).toEqual({ kind: 'dropped', base: 6 })
  expect(await open(rooms)).toMatchObject({ nextChunk: 4, index: 0, base: 6, openBytes: 10 })
  await append(rooms, 4, 'ee')
  expect(await segment(rooms, 0)).toBe('bbccccddddee')
  expect(await cut(rooms, { through: 2 })).toMatchObject({
    cut: { index: 0, base: 6, bytes: 6, from: 0 },
  })
  expect(await segment(rooms, 1)).toBe('ddddee')
  expect(await cut(rooms, { through: 3 })).toMatchObject({ cut: { base: 12, bytes: 4 } })
})

test('a drop asked for fifty times at once, and again after a cut, is made once', async ({
  rooms,
}) => {
  await say(rooms, 'aaaa', 'bbbb', 'cccc')
  const answers = await fiftyTimes(() => drop(rooms, 4))
  expect(tally(answers.map((each) => (each.kind === 'dropped' ? `${each.base}` : '')))).toEqual({
    4: 50,
  })
  await cut(rooms, { index: 0, endByte: 4 })
  expect(await drop(rooms, 4)).toEqual({ kind: 'dropped', base: 8 })
  expect(await segment(rooms, 1)).toBe('cccc')
})

test('a drop of more than is stored takes all of it, and what comes next begins the segment', async ({
  rooms,
}) => {
  await say(rooms, 'aaaa')
  expect(await drop(rooms, 100)).toEqual({ kind: 'dropped', base: 4 })
  expect(await segment(rooms, 0)).toBeNull()
  expect(await drop(rooms, 100)).toEqual({ kind: 'dropped', base: 4 })
  await append(rooms, 1, 'bb')
  expect(await cut(rooms, { through: 1 })).toMatchObject({ cut: { index: 0, base: 4, bytes: 2 } })
})

test('an older epoch drops nothing, nor does anybody what nobody opened', async ({ rooms }) => {
  expect(await drop(rooms, 2)).toEqual({ kind: 'unknown_session' })
  await say(rooms, 'aaaa')
  await open(rooms, 2)
  expect(await drop(rooms, 2)).toEqual({ kind: 'superseded' })
  expect(await segment(rooms, 0)).toBe('aaaa')
})

test('a commit through a chunk that was dropped is empty, also when it is repeated later', async ({
  rooms,
}) => {
  await say(rooms, 'aa', 'bb', 'cc')
  await cut(rooms, { through: 0 })
  await drop(rooms, 4)
  const dropped = () => cut(rooms, { through: 1 })
  expect(await dropped()).toEqual({ kind: 'empty' })
  await cut(rooms, { through: 2 })
  expect(await dropped()).toEqual({ kind: 'empty' })
  expect(await cut(rooms, { through: 0 })).toMatchObject({ kind: 'repeat', index: 0 })
  expect(await cut(rooms, { through: 2 })).toMatchObject({ kind: 'repeat', index: 1 })
})

test('speech behind dropped silence goes on with no utterance before it', async ({ rooms }) => {
  await say(rooms, 'aa', 'bb', 'cc')
  await cut(rooms, { through: 0 }, { reason: 'max_duration' })
  await drop(rooms, 4)
  expect(await cut(rooms, { through: 2 })).toMatchObject({ cut: { continues: false } })
})

test('an utterance begins where its speech does: silence before it is left out', async ({
  rooms,
}) => {
  await say(rooms, 'aaaa', 'bbbb', 'cccc')
  await cut(rooms, { index: 0, endByte: 2 })
  const made = { index: 1, reason: 'pause', base: 6, bytes: 4, from: 4, continues: false, next: 2 }
  const at = { index: 1, endByte: 8 }
  expect(await cut(rooms, at, { begin: 6, enough: 8 })).toEqual({ kind: 'cut', cut: made })
  expect(await cut(rooms, at)).toEqual({ kind: 'repeat', index: 1, cut: made })
  expect(await open(rooms)).toMatchObject({ base: 10, pending: [{ index: 0 }, made] })
  expect(await segment(rooms, 2)).toBe('cc')
})

test('a cut before there is enough is empty and consumes no index', async ({ rooms }) => {
  await say(rooms, 'aaaa', 'bbbb')
  expect(await cut(rooms, { through: 0 }, { begin: 2, enough: 6 })).toEqual({ kind: 'empty' })
  expect(await cut(rooms, { through: 1 }, { enough: Infinity })).toEqual({ kind: 'empty' })
  expect(await cut(rooms, { through: 1 }, { begin: 2, enough: 6 })).toMatchObject({
    cut: { index: 0, base: 2, bytes: 6, from: 2 },
  })
})

test('a session that is silent for hours keeps its audio alive', async ({ rooms }) => {
  const { audio, audioKeys } = rooms.store
  const names = [audioKeys.audio(S), audioKeys.segment(S, 0), `${audioKeys.segment(S, 0)}:ends`]
  await say(rooms, 'aa', 'bb')
  for (const name of names) await audio.pexpire(name, 5000)
  await drop(rooms, 2)
  for (const name of names) expect(await audio.pttl(name)).toBeGreaterThan(590_000)
})
