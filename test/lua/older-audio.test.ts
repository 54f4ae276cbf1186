import fc from 'fast-check'
import { createAudioRestoreScripts } from '../../lua/restore.ts'
import type { Cut } from '../../lua/audio.ts'
import { sessionId, type SessionId } from '../../src/protocol/ids.ts'
import { expect, fiftyTimes, tally, test, type Rooms } from './rooms.ts'

const LIFE = { lifeMs: 600_000 }

/** The audio of one session, and what the gateway that holds it remembers. */
function audioOf(rooms: Rooms, name = 's') {
  const session: SessionId = sessionId(name)
  const { audio, callAudio, audioKeys } = rooms.store
  const scripts = createAudioRestoreScripts({ call: callAudio, keys: audioKeys })
  const at = { session, epoch: 2, ...LIFE }
  const cuts: Cut[] = []
  const names = () => audio.keys(`*{${name}}*`)
  return {
    cuts,
    open: (over: object = {}) => rooms.audio.openAudio({ ...at, ...over }),
    append: (chunk: number, text: string) =>
      rooms.audio.appendAudio({ ...at, chunk, bytes: Buffer.from(text) }),
    async cut(index: number, endByte: number, over: object = {}): Promise<string> {
      const point = { index, endByte }
      const answer = await rooms.audio.cutAudio({ ...at, reason: 'pause', at: point, ...over })
      if (answer.kind === 'cut') cuts.push(answer.cut)
      return answer.kind
    },
    cutThrough: (through: number, taken = 0) =>
      rooms.audio.cutAudio({ ...at, reason: 'manual', at: { through }, taken }),
    drop: (before: number) => rooms.audio.dropAudio({ ...at, before }),
    restore: (known: readonly Cut[] = cuts, epoch = 2) =>
      scripts.restoreAudio({ ...at, epoch, cuts: known }),
    hash: () => audio.hgetall(audioKeys.audio(session)),
    segment: (index: number) => audio.get(audioKeys.segment(session, index)),
    /** Everything as it is now; put back by calling what it answers, as an older Redis does. */
    async remember(): Promise<() => Promise<void>> {
      const kept = await Promise.all(
        (await names()).map(async (key) => [key, await audio.dumpBuffer(key)] as const),
      )
      return async () => {
        for (const key of await names()) await audio.del(key)
        for (const [key, value] of kept) await audio.restore(key, 600_000, value ?? '')
      }
    },
  }
}

/** Three chunks stored, and the chunk numbers told. */
async function say(rooms: Rooms, ...texts: string[]) {
  const audio = audioOf(rooms)
  await audio.open()
  for (const [chunk, text] of texts.entries()) await audio.append(chunk, text)
  return audio
}

test('a cut that was forgotten is made again where it was, with what came behind it', async ({
  rooms,
}) => {
  const audio = await say(rooms, 'aaaa', 'bbbb', 'cccc')
  const goBack = await audio.remember()
  await audio.cut(0, 8)
  const then = await audio.hash()
  await goBack()
  expect(await audio.restore()).toBe('restored')
  expect(await audio.hash()).toEqual(then)
  expect((await audio.segment(0))?.slice(0, 8)).toBe('aaaabbbb')
  expect(await audio.segment(1)).toBe('cccc')
  expect(await audio.cutThrough(1)).toMatchObject({ kind: 'repeat', index: 0 })
  expect(await audio.cutThrough(2)).toMatchObject({ kind: 'cut', cut: { index: 1, bytes: 4 } })
})

test('a cut whose last chunks were forgotten ends with them: its index means no other audio', async ({
  rooms,
}) => {
  const audio = await say(rooms, 'aaaa')
  const goBack = await audio.remember()
  await audio.append(1, 'bbbb')
  await audio.cut(0, 8)
  await goBack()
  await audio.restore()
  expect(await audio.open()).toMatchObject({ nextChunk: 2, index: 1, base: 8, openBytes: 0 })
  await audio.append(2, 'cccc')
  expect(await audio.segment(0)).toBe('aaaa')
  expect(await audio.segment(1)).toBe('cccc')
})

test('audio that has vanished takes no index again', async ({ rooms }) => {
  const audio = await say(rooms)
  await audio.append(0, 'aaaa')
  await audio.cut(0, 4)
  await rooms.store.audio.del(...(await rooms.store.audio.keys('*{s}*')))
  expect(await audio.append(1, 'bbbb')).toEqual({ kind: 'unknown_session' })
  await audio.restore()
  expect(await audio.open()).toMatchObject({ nextChunk: 1, index: 1, base: 4, openBytes: 0 })
})

test('silence that was dropped before a cut is dropped again', async ({ rooms }) => {
  const audio = await say(rooms, '....', 'aaaa', 'bbbb')
  const goBack = await audio.remember()
  await audio.drop(4)
  await audio.cut(0, 4)
  await goBack()
  await audio.restore()
  expect((await audio.segment(0))?.slice(0, 4)).toBe('aaaa')
  expect(await audio.segment(1)).toBe('bbbb')
})

test('what is known already is left as it is, asked once, twice or fifty times at once', async ({
  rooms,
}) => {
  const audio = await say(rooms, 'aaaa', 'bbbb', 'cccc')
  await audio.cut(0, 2)
  await audio.cut(1, 4)
  const before = await audio.hash()
  await rooms.store.audio.script('FLUSH')
  expect(tally(await fiftyTimes(() => audio.restore()))).toEqual({ restored: 50 })
  expect(await audio.hash()).toEqual(before)
  expect(await audio.segment(2)).toBe('bbcccc')
})

test('what another connection has is left alone', async ({ rooms }) => {
  const audio = await say(rooms, 'aaaa')
  await audio.cut(0, 4)
  await audio.open({ epoch: 3 })
  const before = await audio.hash()
  expect(await audio.restore()).toBe('superseded')
  expect(await audio.hash()).toEqual(before)
})

test('a cut behind what the audio knows is refused, and so is one by chunk', async ({ rooms }) => {
  const audio = await say(rooms, 'aaaa', 'bbbb')
  expect(await audio.cut(1, 4, { taken: 1 })).toBe('older')
  expect(await audio.cutThrough(1, 1)).toEqual({ kind: 'older' })
  expect(await audio.open()).toMatchObject({ index: 0, openBytes: 8, pending: [] })
})

test('indices that are taken elsewhere are left out, and the open audio goes on behind them', async ({
  rooms,
}) => {
  const audio = await say(rooms, 'aaaa')
  expect(await audio.open({ epoch: 3, taken: 2 })).toMatchObject({ index: 2, openBytes: 4 })
  expect(await audio.open({ epoch: 3, heard: 4 })).toMatchObject({ index: 4, openBytes: 4 })
  expect(await audio.open({ epoch: 3, taken: 2, heard: 1 })).toMatchObject({ index: 4 })
  expect(await audio.segment(4)).toBe('aaaa')
})

test('a client that claims too many indices is believed no more than 64', async ({ rooms }) => {
  const audio = await say(rooms, 'aaaa')
  expect(await audio.open({ taken: 3, heard: 1_000_000 })).toMatchObject({ index: 67 })
})

test('chunks that nobody holds any more are left out, and a commit finds its end all the same', async ({
  rooms,
}) => {
  const audio = await say(rooms, 'aaaa')
  const opened = { nextChunk: 5, missing: 1, openBytes: 4 }
  expect(await audio.open({ firstChunk: 5 })).toMatchObject(opened)
  expect(await audio.open({ firstChunk: 5 })).toMatchObject({ nextChunk: 5, missing: 5 })
  expect(await audio.open({ firstChunk: 2 })).toMatchObject({ nextChunk: 5, missing: 5 })
  await audio.append(5, 'bb')
  await audio.append(6, 'cc')
  expect(await audio.cutThrough(5)).toMatchObject({ cut: { bytes: 6, next: 6 } })
  expect(await audio.cutThrough(6)).toMatchObject({ cut: { bytes: 2, next: 7 } })
})

test('to hold audio is not to take it', async ({ rooms }) => {
  const audio = audioOf(rooms)
  expect(await audio.open({ hold: true })).toEqual({ kind: 'older' })
  expect(await audio.hash()).toEqual({})
  await audio.open({ epoch: 1 })
  expect(await audio.open({ hold: true })).toEqual({ kind: 'older' })
  expect(await audio.hash()).toMatchObject({ epoch: '1' })
  await audio.open()
  expect(await audio.open({ hold: true })).toMatchObject({ kind: 'opened' })
})

const step = fc.record({
  kind: fc.constantFrom('append', 'append', 'append', 'cut', 'drop', 'forget'),
  n: fc.integer({ min: 1, max: 12 }),
})

test('whenever the audio came back from: every index means what it meant, and what follows the last cut is whole', async ({
  rooms,
}) => {
  let sessions = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
      const audio = audioOf(rooms, `p${(sessions += 1)}`)
      await audio.open()
      const chunks: string[] = []
      let goBack = await audio.remember()
      let base = 0
      for (const { kind, n } of steps) {
        const { length } = chunks.join('')
        if (kind === 'append') {
          chunks.push(String.fromCharCode(97 + (chunks.length % 26)).repeat(2 * n))
          await audio.append(chunks.length - 1, chunks.at(-1) ?? '')
        } else if (kind === 'cut') {
          await audio.cut(audio.cuts.length, Math.min(2 * n, length - base))
          const last = audio.cuts.at(-1)
          base = Math.max(base, last ? last.base + last.bytes : 0)
        } else if (kind === 'drop') {
          base = Math.min(length, base + 2)
          await audio.drop(base)
        } else goBack = await audio.remember()
      }
      await goBack()
      await audio.restore()
      const state = await audio.open()
      if (state.kind !== 'opened') throw new Error(state.kind)
      for (let chunk = state.nextChunk; chunk < chunks.length; chunk += 1)
        await audio.append(chunk, chunks[chunk] ?? '')
      const all = chunks.join('')
      for (const cut of audio.cuts) {
        const said = all.slice(cut.base, cut.base + cut.bytes)
        const stored = (await audio.segment(cut.index)) ?? ''
        expect(said.startsWith(stored.slice(cut.from, cut.from + cut.bytes))).toBe(true)
      }
      expect(state.index).toBe(audio.cuts.length)
      // A chunk that a cut went through is sent once more as a whole where it was forgotten.
      const open = (await audio.segment(state.index)) ?? ''
      expect(open.endsWith(all.slice(base))).toBe(true)
    }),
    { numRuns: 80 },
  )
})
