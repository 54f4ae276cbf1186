import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BYTES_PER_SAMPLE } from '../../src/protocol/events.ts'
import {
  afterChunk,
  afterCut,
  decide,
  dueAt,
  emptyUtterance,
  type CutterOptions,
  type CutterState,
} from '../../src/session/cutter.ts'

const GAP: CutterOptions = { mode: 'gap', pauseMs: 500, maxDurationMs: 12_000, bytesPerMs: 32 }
const MANUAL: CutterOptions = { ...GAP, mode: 'manual' }
const LONGEST = 12_000 * 32

const chunks = (
  state: CutterState,
  ...arrived: readonly (readonly [bytes: number, at: number])[]
) => arrived.reduce((was, [bytes, at]) => afterChunk(was, bytes, at), state)
const speaking = (index: number, bytes: number, at: number) =>
  chunks(emptyUtterance(index), [bytes, at])

describe('a pause', () => {
  test.for([
    ['just before it is long enough', 1499, undefined],
    ['at its exact length', 1500, 6400],
    ['long after', 99_000, 6400],
  ] as const)('is judged %s', ([, now, endByte]) => {
    const state = chunks(emptyUtterance(3), [3200, 400], [3200, 1000])
    const cut = endByte === undefined ? undefined : { index: 3, endByte, reason: 'pause' }
    expect(decide(state, GAP, now)).toEqual(cut)
  })

  test('is measured from the last chunk, not from the first', () => {
    expect(dueAt(chunks(emptyUtterance(0), [2, 0], [2, 400], [2, 800]), GAP)).toBe(1300)
  })

  test('before the first chunk is none, however long', () => {
    expect(dueAt(emptyUtterance(7), GAP)).toBeUndefined()
    expect(decide(emptyUtterance(7), GAP, 1e9)).toBeUndefined()
  })

  test('that has been cut does not count for the next utterance', () => {
    const next = afterCut(speaking(0, 3200, 1000), 0, 3200)
    expect(dueAt(next, GAP)).toBeUndefined()
    expect(decide(next, GAP, 1e9)).toBeUndefined()
    expect(dueAt(afterChunk(next, 2, 9000), GAP)).toBe(9500)
  })

  test('after a cut runs on for the speech that had come behind it', () => {
    const next = afterCut(chunks(emptyUtterance(0), [3200, 1000], [3200, 1100]), 0, 3200)
    expect(next).toEqual({ index: 1, bytes: 3200, lastChunkAt: 1100 })
    expect(dueAt(next, GAP)).toBe(1600)
  })

  test('is nothing to a speaker who cuts by hand', () => {
    const state = speaking(0, 3200, 0)
    expect(dueAt(state, MANUAL)).toBeUndefined()
    expect(decide(state, MANUAL, 1e9)).toBeUndefined()
  })
})

describe('the longest utterance', () => {
  test.for([GAP, MANUAL])('is cut in mode $mode at its exact byte', (options) => {
    expect(decide(speaking(4, LONGEST - 2, 0), options, 1)).toBeUndefined()
    for (const bytes of [LONGEST, LONGEST + 2, 5 * LONGEST])
      expect(decide(speaking(4, bytes, 0), options, 1)).toEqual({
        index: 4,
        endByte: LONGEST,
        reason: 'max_duration',
      })
  })

  test('goes before a pause: what is longer is never cut as one', () => {
    expect(decide(speaking(0, LONGEST + 2, 0), GAP, 1e9)?.reason).toBe('max_duration')
  })

  test('leaves several utterances of speech that came at once, and then the rest', () => {
    let state = speaking(0, 2 * LONGEST + 640, 100)
    const ends: number[] = []
    for (let cut = decide(state, GAP, 1e9); cut; cut = decide(state, GAP, 1e9)) {
      ends.push(cut.endByte)
      state = afterCut(state, cut.index, cut.endByte)
    }
    expect(ends).toEqual([LONGEST, LONGEST, 640])
    expect(state).toEqual(emptyUtterance(3))
  })

  test.for([8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])(
    'is whole samples at %d Hz, and not one too many',
    (sampleRate) => {
      const bytesPerMs = (sampleRate * BYTES_PER_SAMPLE) / 1000
      const property = fc.property(fc.integer({ min: 1000, max: 60_000 }), (maxDurationMs) => {
        const samples = Math.floor((sampleRate * maxDurationMs) / 1000)
        const options = { ...GAP, maxDurationMs, bytesPerMs }
        const cut = decide(speaking(0, samples * BYTES_PER_SAMPLE, 0), options, 0)
        expect(cut?.endByte).toBe(samples * BYTES_PER_SAMPLE)
      })
      fc.assert(property)
    },
  )
})

describe('a cut', () => {
  test.for([-1, 1, 2, 9])(
    'of utterance 0 as seen from another (%d ahead) changes nothing',
    (by) => {
      const state = speaking(5, 3200, 1000)
      expect(afterCut(state, state.index - by, 100)).toBe(state)
    },
  )

  test('told twice counts once', () => {
    const once = afterCut(speaking(5, 3200, 1000), 5, 1600)
    expect(afterCut(once, 5, 1600)).toBe(once)
  })

  test('behind the last byte leaves nothing, never less', () => {
    expect(afterCut(speaking(5, 3200, 1000), 5, 4000)).toEqual(emptyUtterance(6))
  })
})

/** What may happen to an open utterance, in any order. */
type Step =
  | { readonly kind: 'chunk'; readonly samples: number }
  | { readonly kind: 'wait'; readonly ms: number }
  /** The cutter is asked; the answer to its decision comes later. */
  | { readonly kind: 'ask' }
  /** The speaker commits at a share of what is stored; the answer comes later. */
  | { readonly kind: 'commit'; readonly share: number }
  /** The oldest answer arrives. */
  | { readonly kind: 'answer' }

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('chunk'),
        samples: fc.integer({ min: 1, max: 900 }),
      }),
    },
    fc.record({ kind: fc.constant('wait'), ms: fc.nat(400) }),
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('ask') }) },
    fc.record({ kind: fc.constant('commit'), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('answer') }) },
  ),
  { maxLength: 60 },
)

const OPTIONS = { ...GAP, maxDurationMs: 20, bytesPerMs: 32 }
const MOST = 640

interface CutMade {
  readonly index: number
  readonly bytes: number
}

/** The audio plane in small: segments by index, each cut once and never empty. */
class Segments {
  readonly closed: number[] = []
  open = 0

  cut(index: number, endByte: number): CutMade | undefined {
    const known = this.closed[index]
    if (known !== undefined) return { index, bytes: known }
    const bytes = Math.min(endByte, this.open)
    if (bytes === 0) return undefined
    this.closed.push(bytes)
    this.open -= bytes
    return { index, bytes }
  }
}

/** A gateway's view of the open utterance, which lags behind what is stored. */
class Speaking {
  readonly stored = new Segments()
  readonly answers: CutMade[] = []
  state = emptyUtterance(0)
  now = 0
  sent = 0

  chunk(bytes: number): void {
    this.sent += bytes
    this.stored.open += bytes
    this.state = afterChunk(this.state, bytes, this.now)
  }

  cut(index: number, endByte: number): void {
    const answer = this.stored.cut(index, endByte)
    if (answer) this.answers.push(answer)
  }

  commit(share: number): void {
    const samples = Math.floor((this.stored.open / BYTES_PER_SAMPLE) * share)
    this.cut(this.stored.closed.length, samples * BYTES_PER_SAMPLE)
  }

  /** Says whether there was something to cut. */
  ask(): boolean {
    const decision = decide(this.state, OPTIONS, this.now)
    if (!decision) return false
    expect(decision.index).toBe(this.state.index)
    expect(decision.endByte).toBeGreaterThan(0)
    expect(decision.endByte % BYTES_PER_SAMPLE).toBe(0)
    expect(decision.endByte).toBeLessThanOrEqual(Math.min(MOST, this.state.bytes))
    this.cut(decision.index, decision.endByte)
    return true
  }

  learn(): void {
    const cut = this.answers.shift()
    if (cut) this.state = afterCut(this.state, cut.index, cut.bytes)
  }

  take(step: Step): void {
    if (step.kind === 'chunk') this.chunk(step.samples * BYTES_PER_SAMPLE)
    if (step.kind === 'wait') this.now += step.ms
    if (step.kind === 'commit') this.commit(step.share)
    if (step.kind === 'ask') this.ask()
    if (step.kind === 'answer') this.learn()
  }
}

test('whatever the order of chunks, cuts and their answers, no byte is lost or counted twice', () => {
  const property = fc.property(steps, (all) => {
    const speech = new Speaking()
    const { stored, answers } = speech
    for (const step of all) speech.take(step)
    while (answers.length > 0) speech.learn()
    expect(speech.state).toMatchObject({ index: stored.closed.length, bytes: stored.open })
    speech.now += OPTIONS.pauseMs
    while (speech.ask()) speech.learn()
    expect(speech.state).toEqual(emptyUtterance(stored.closed.length))
    expect(stored.closed.reduce((sum, bytes) => sum + bytes, 0)).toBe(speech.sent)
  })
  fc.assert(property, { numRuns: 1000 })
})
