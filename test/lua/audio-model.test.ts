import fc from 'fast-check'
import type { CutAnswer } from '../../lua/session.ts'
import { sessionId, type SessionId } from '../../src/protocol/ids.ts'
import { expect, test, type Rooms } from './rooms.ts'

type Step =
  | { readonly do: 'append'; readonly samples: number }
  | { readonly do: 'repeat_chunk' | 'skip_chunk'; readonly by: number }
  | { readonly do: 'cut_at'; readonly sample: number }
  | { readonly do: 'cut_again'; readonly back: number }
  | { readonly do: 'cut_through'; readonly back: number }
  | { readonly do: 'cut_all' | 'take_over' }

const small = fc.nat({ max: 4 })
const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('append'), samples: fc.integer({ min: 1, max: 12 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constantFrom('repeat_chunk', 'skip_chunk'), by: small }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('cut_at'), sample: fc.nat({ max: 20 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('cut_again'), back: small }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('cut_through'),
        back: fc.integer({ min: -1, max: 5 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('cut_all', 'take_over') }) },
  ) as fc.Arbitrary<Step>,
  { minLength: 1, maxLength: 40 },
)

/** What the audio plane promises, in a few lines: one long stream, and where it was cut. */
class Model {
  stream = Buffer.alloc(0)
  epoch = 1
  readonly chunkEnds: number[] = []
  readonly cutEnds: number[] = []

  get base(): number {
    return this.cutEnds.at(-1) ?? 0
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

const LIFE = { lifeMs: 600_000 }

/** Takes one step in the audio plane and in the model, and compares what they say. */
async function take(rooms: Rooms, session: SessionId, model: Model, step: Step): Promise<void> {
  const append = (chunk: number, bytes: Buffer, epoch = model.epoch) =>
    rooms.audio.appendAudio({ session, epoch, chunk, bytes, ...LIFE })
  const cut = (
    at: { index: number; endByte: number } | { through: number | undefined },
    epoch = model.epoch,
  ): Promise<CutAnswer> => rooms.audio.cutAudio({ session, epoch, reason: 'manual', at, ...LIFE })
  const next = model.chunkEnds.length
  const index = model.cutEnds.length
  switch (step.do) {
    case 'append': {
      const bytes = Buffer.alloc(step.samples * 2, `${next}.`)
      expect(await append(next, bytes)).toEqual({ kind: 'stored', nextChunk: next + 1 })
      model.stream = Buffer.concat([model.stream, bytes])
      model.chunkEnds.push(model.stream.length)
      break
    }
    case 'repeat_chunk':
      if (next > step.by)
        expect(await append(next - 1 - step.by, Buffer.from('again!'))).toEqual({
          kind: 'stored',
          nextChunk: next,
        })
      break
    case 'skip_chunk':
      expect(await append(next + 1 + step.by, Buffer.from('ahead!'))).toEqual({
        kind: 'gap',
        expected: next,
      })
      break
    case 'cut_at': {
      const endByte = step.sample * 2
      const end = Math.min(model.stream.length, model.base + endByte)
      expect(await cut({ index, endByte })).toMatchObject(model.cut(end))
      break
    }
    case 'cut_again':
      if (index > step.back)
        expect(await cut({ index: index - 1 - step.back, endByte: 2 })).toEqual({
          kind: 'repeat',
          index: index - 1 - step.back,
        })
      break
    case 'cut_through': {
      const through = Math.max(0, next - 1 - step.back)
      expect(await cut({ through })).toMatchObject(model.cutThrough(through))
      break
    }
    case 'cut_all':
      expect(await cut({ through: undefined })).toMatchObject(model.cut(model.stream.length))
      break
    case 'take_over':
      model.epoch += 1
      expect(await rooms.audio.openAudio({ session, epoch: model.epoch, ...LIFE })).toMatchObject({
        nextChunk: next,
        index,
        base: model.base,
        openBytes: model.stream.length - model.base,
        pending: model.cutEnds.map((end, i) => ({
          index: i,
          base: model.cutEnds[i - 1] ?? 0,
          bytes: end - (model.cutEnds[i - 1] ?? 0),
        })),
      })
      expect(await append(next, Buffer.from('old!'), model.epoch - 1)).toEqual({
        kind: 'superseded',
      })
      expect(await cut({ through: undefined }, model.epoch - 1)).toEqual({ kind: 'superseded' })
      break
  }
}

test('whatever is appended, cut, repeated and taken over, no byte is lost, doubled or moved', async ({
  rooms,
}) => {
  const { audio, audioKeys } = rooms.store
  let sessions = 0
  await fc.assert(
    fc.asyncProperty(steps, async (run) => {
      const session = sessionId(`s${(sessions += 1)}`)
      const model = new Model()
      await rooms.audio.openAudio({ session, epoch: 1, ...LIFE })
      for (const step of run) await take(rooms, session, model, step)
      const ends = [...model.cutEnds, model.stream.length]
      const parts = await Promise.all(
        ends.map(async (end, index) => {
          const bytes = end - (ends[index - 1] ?? 0)
          const stored = await audio.getBuffer(audioKeys.segment(session, index))
          return stored?.subarray(0, bytes) ?? Buffer.alloc(0)
        }),
      )
      expect(Buffer.concat(parts)).toEqual(model.stream)
    }),
    { numRuns: 200 },
  )
})
