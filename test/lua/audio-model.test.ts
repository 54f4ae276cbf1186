import fc from 'fast-check'
import type { CutPoint } from '../../lua/audio.ts'
import { sessionId, type SessionId } from '../../src/protocol/ids.ts'
import { expect, test, type Rooms } from './rooms.ts'

const LIFE = { lifeMs: 600_000 }

/** What the audio plane promises, in a few lines: one long stream, and where it was cut. */
class Model {
  stream = Buffer.alloc(0)
  epoch = 1
  readonly chunkEnds: number[] = []
  readonly cutEnds: number[] = []

  get base(): number {
    return this.cutEnds.at(-1) ?? 0
  }

  append(bytes: Buffer): void {
    this.stream = Buffer.concat([this.stream, bytes])
    this.chunkEnds.push(this.stream.length)
  }

  opened(): object {
    const starts = [0, ...this.cutEnds]
    return {
      nextChunk: this.chunkEnds.length,
      index: this.cutEnds.length,
      base: this.base,
      openBytes: this.stream.length - this.base,
      pending: this.cutEnds.map((end, index) => {
        const base = starts[index] ?? 0
        return { index, base, bytes: end - base }
      }),
    }
  }

  cut(end: number): object {
    const { base } = this
    if (end <= base) return { kind: 'empty' }
    this.cutEnds.push(end)
    return { kind: 'cut', cut: { index: this.cutEnds.length - 1, base, bytes: end - base } }
  }

  cutThrough(chunk: number): object {
    const end = this.chunkEnds[chunk]
    if (end === undefined) return { kind: 'gap', expected: this.chunkEnds.length }
    if (end > this.base) return this.cut(end)
    return { kind: 'repeat', index: this.cutEnds.findIndex((cutEnd) => cutEnd >= end) }
  }
}

/** The audio plane beside its model: every action is taken in both, and they must say the same. */
class Pair {
  readonly model = new Model()
  readonly #rooms: Rooms
  readonly #session: SessionId

  constructor(rooms: Rooms, session: SessionId) {
    this.#rooms = rooms
    this.#session = session
  }

  open(epoch: number) {
    return this.#rooms.audio.openAudio({ session: this.#session, epoch, ...LIFE })
  }

  append(chunk: number, bytes: Buffer, epoch = this.model.epoch) {
    const append = { session: this.#session, epoch, chunk, bytes, ...LIFE }
    return this.#rooms.audio.appendAudio(append)
  }

  cut(at: CutPoint, epoch = this.model.epoch) {
    const reason = 'manual' as const
    return this.#rooms.audio.cutAudio({ session: this.#session, epoch, reason, at, ...LIFE })
  }

  /** Everything that is stored, cut ranges first, the open segment last. */
  async stored(): Promise<Buffer> {
    const { audio, audioKeys } = this.#rooms.store
    const ends = [...this.model.cutEnds, this.model.stream.length]
    const parts = ends.map(async (end, index) => {
      const bytes = await audio.getBuffer(audioKeys.segment(this.#session, index))
      return bytes?.subarray(0, end - (ends[index - 1] ?? 0)) ?? Buffer.alloc(0)
    })
    return Buffer.concat(await Promise.all(parts))
  }
}

type Action = (pair: Pair, n: number) => Promise<void>

const append: Action = async (pair, n) => {
  const chunk = pair.model.chunkEnds.length
  const bytes = Buffer.alloc(2 + 2 * n, `${chunk}.`)
  expect(await pair.append(chunk, bytes)).toMatchObject({ kind: 'stored', nextChunk: chunk + 1 })
  pair.model.append(bytes)
}

const appendAgain: Action = async (pair, n) => {
  const next = pair.model.chunkEnds.length
  if (next > n)
    expect(await pair.append(next - 1 - n, Buffer.from('again!'))).toMatchObject({
      kind: 'stored',
      nextChunk: next,
    })
}

const appendAhead: Action = async (pair, n) => {
  const expected = pair.model.chunkEnds.length
  const answer = await pair.append(expected + 1 + n, Buffer.from('ahead!'))
  expect(answer).toEqual({ kind: 'gap', expected })
}

const cutAtByte: Action = async (pair, n) => {
  const { model } = pair
  const end = Math.min(model.stream.length, model.base + 2 * n)
  const answer = await pair.cut({ index: model.cutEnds.length, endByte: 2 * n })
  expect(answer).toMatchObject(model.cut(end))
}

const cutAgain: Action = async (pair, n) => {
  const index = pair.model.cutEnds.length - 1 - n
  if (index >= 0)
    expect(await pair.cut({ index, endByte: 2 })).toMatchObject({ kind: 'repeat', index })
}

const cutThrough: Action = async (pair, n) => {
  const through = Math.max(0, pair.model.chunkEnds.length - n)
  expect(await pair.cut({ through })).toMatchObject(pair.model.cutThrough(through))
}

const cutAll: Action = async (pair) => {
  const end = pair.model.stream.length
  const index = pair.model.cutEnds.length
  expect(await pair.cut({ index, endByte: undefined })).toMatchObject(pair.model.cut(end))
}

const takeOver: Action = async (pair) => {
  const { model } = pair
  model.epoch += 1
  expect(await pair.open(model.epoch)).toMatchObject(model.opened())
  const older = model.epoch - 1
  const superseded = { kind: 'superseded' }
  expect(await pair.append(model.chunkEnds.length, Buffer.from('old!'), older)).toEqual(superseded)
  expect(await pair.cut({ through: 0 }, older)).toEqual(superseded)
  expect(await pair.open(older)).toEqual(superseded)
}

const actions: readonly Action[] = [
  ...[append, append, append, append, cutAtByte, cutAtByte, cutThrough, cutThrough],
  ...[appendAgain, appendAhead, cutAgain, cutAll, takeOver],
]
const run = fc.array(
  fc.record({
    action: fc.constantFrom(...actions),
    n: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 20 })),
  }),
  { minLength: 1, maxLength: 40 },
)

test('whatever is appended, cut, repeated and taken over, no byte is lost, doubled or moved', async ({
  rooms,
}) => {
  let sessions = 0
  await fc.assert(
    fc.asyncProperty(run, async (steps) => {
      const pair = new Pair(rooms, sessionId(`s${(sessions += 1)}`))
      await pair.open(1)
      for (const { action, n } of steps) await action(pair, n)
      expect(await pair.stored()).toEqual(pair.model.stream)
    }),
    { numRuns: 60 },
  )
})
