import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BYTES_PER_SAMPLE } from '../../src/protocol/events.ts'
import {
  afterChunk,
  afterCrowding,
  afterCut,
  afterDrop,
  decide,
  dueAt,
  emptyUtterance,
  isFull,
} from '../../src/session/cutter.ts'
import { rulesOf } from '../../src/session/endpointing.ts'
import { chunks, GAP, heard, levelsFor, MANUAL, ms, SETTINGS, speaking, VAD } from './speaker.ts'

const LONGEST = ms(12_000)

describe('a pause in gap mode', () => {
  test.for([
    ['just before it is long enough', 1499, undefined],
    ['at its exact length', 1500, 6400],
    ['long after', 99_000, 6400],
  ] as const)('is judged %s', ([, now, endByte]) => {
    const state = chunks(emptyUtterance(3), [3200, 400], [3200, 1000])
    const cut = { kind: 'cut', index: 3, endByte, reason: 'pause', begin: 0, enough: 0 }
    expect(decide(state, GAP, now)).toEqual(endByte === undefined ? undefined : cut)
  })

  test('is measured from the last chunk, not from the first', () => {
    expect(dueAt(chunks(emptyUtterance(0), [2, 0], [2, 400], [2, 800]), GAP, 900)).toBe(1300)
  })

  test('before the first chunk is none, however long', () => {
    expect(dueAt(emptyUtterance(7), GAP, 1e9)).toBeUndefined()
    expect(decide(emptyUtterance(7), GAP, 1e9)).toBeUndefined()
  })

  test('that has been cut does not count for the next utterance', () => {
    const next = afterCut(speaking(0, 3200, 1000), 0, 3200)
    expect(dueAt(next, GAP, 1e9)).toBeUndefined()
    expect(decide(next, GAP, 1e9)).toBeUndefined()
    expect(dueAt(afterChunk(next, 2, 9000), GAP, 9000)).toBe(9500)
  })

  test('after a cut runs on for the speech that had come behind it', () => {
    const next = afterCut(chunks(emptyUtterance(0), [3200, 1000], [3200, 1100]), 0, 3200)
    expect(next).toMatchObject({ index: 1, base: 3200, stored: 6400, lastChunkAt: 1100 })
    expect(dueAt(next, GAP, 1200)).toBe(1600)
  })

  test('is nothing to a speaker who cuts by hand', () => {
    const state = speaking(0, 3200, 0)
    expect(dueAt(state, MANUAL, 1e9)).toBeUndefined()
    expect(decide(state, MANUAL, 1e9)).toBeUndefined()
  })
})

describe('with too much unfinished', () => {
  test.for([
    ['a pause', GAP, speaking(0, 3200, 0)],
    ['the longest utterance', MANUAL, speaking(0, 5 * LONGEST, 0)],
    ['a pause that was heard', VAD, heard(VAD, levelsFor(2000), 50)],
  ] as const)('%s cuts nothing and is not waited for, until there is room', ([, rules, open]) => {
    expect(decide(open, rules, 1e6)).toMatchObject({ kind: 'cut' })
    const crowded = afterCrowding(open, true)
    expect(decide(crowded, rules, 1e6)).toBeUndefined()
    expect(dueAt(crowded, rules, 1e6)).toBeUndefined()
    expect(decide(afterCrowding(crowded, false), rules, 1e6)).toEqual(decide(open, rules, 1e6))
  })

  test('silence is dropped all the same', () => {
    const silence = heard(VAD, levelsFor(2000), 0)
    expect(decide(afterCrowding(silence, true), VAD, 0)).toEqual(decide(silence, VAD, 0))
    expect(decide(silence, VAD, 0)).toMatchObject({ kind: 'drop' })
  })

  test('an utterance is full when it is as long as one may be', () => {
    expect(isFull(speaking(0, LONGEST - 2, 0), GAP)).toBe(false)
    expect(isFull(speaking(0, LONGEST, 0), GAP)).toBe(true)
  })
})

describe('the longest utterance without a detector', () => {
  test.for([GAP, MANUAL])('is cut in mode $mode at its exact byte', (rules) => {
    expect(decide(speaking(4, LONGEST - 2, 0), rules, 1)).toBeUndefined()
    for (const bytes of [LONGEST, LONGEST + 2, 5 * LONGEST])
      expect(decide(speaking(4, bytes, 0), rules, 1)).toMatchObject({
        index: 4,
        endByte: LONGEST,
        reason: 'max_duration',
      })
  })

  test('goes before a pause: what is longer is never cut as one', () => {
    expect(decide(speaking(0, LONGEST + 2, 0), GAP, 1e9)).toMatchObject({ reason: 'max_duration' })
  })

  test('leaves several utterances of speech that came at once, and then the rest', () => {
    let state = speaking(0, 2 * LONGEST + 640, 100)
    const ends: number[] = []
    for (let cut = decide(state, GAP, 1e9); cut?.kind === 'cut'; cut = decide(state, GAP, 1e9)) {
      ends.push(cut.endByte)
      state = afterCut(state, cut.index, state.base + cut.endByte)
    }
    expect(ends).toEqual([LONGEST, LONGEST, 640])
    expect(state).toEqual({ ...emptyUtterance(3, 2 * LONGEST + 640), heard: 0 })
  })

  test.for([8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])(
    'is whole samples at %d Hz, and not one too many',
    (sampleRate) => {
      const property = fc.property(fc.integer({ min: 1000, max: 60_000 }), (maxDurationMs) => {
        const samples = Math.floor((sampleRate * maxDurationMs) / 1000)
        const rules = rulesOf({ mode: 'gap', pauseMs: 500, maxDurationMs, sampleRate })
        const cut = decide(speaking(0, samples * BYTES_PER_SAMPLE, 0), rules, 0)
        expect(cut).toMatchObject({ endByte: samples * BYTES_PER_SAMPLE })
      })
      fc.assert(property)
    },
  )
})

describe('a cut', () => {
  test.for([-1, -5])('of an utterance that is cut already (%d) changes nothing', (by) => {
    const state = speaking(5, 3200, 1000)
    expect(afterCut(state, state.index + by, 100)).toBe(state)
  })

  test('told twice counts once', () => {
    const once = afterCut(speaking(5, 3200, 1000), 5, 1600)
    expect(afterCut(once, 5, 1600)).toBe(once)
  })

  test('that somebody else made is where the next utterance begins', () => {
    expect(afterCut(speaking(5, 3200, 1000), 7, 4000)).toMatchObject({
      index: 8,
      base: 4000,
      stored: 4000,
      lastChunkAt: undefined,
    })
  })
})

test('a drop told twice counts once', () => {
  const once = afterDrop(speaking(5, 3200, 1000), 1600)
  expect(once).toMatchObject({ index: 5, base: 1600, stored: 3200 })
  expect(afterDrop(once, 1600)).toBe(once)
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

const SHORT = rulesOf({ mode: 'gap', pauseMs: 500, maxDurationMs: 20, sampleRate: 16_000 })

interface CutMade {
  readonly index: number
  readonly end: number
}

/** The audio plane in small: where each utterance ended, none of them empty. */
class Segments {
  readonly ends: number[] = []
  stored = 0

  get base(): number {
    return this.ends.at(-1) ?? 0
  }

  cut(index: number, endByte: number): CutMade | undefined {
    const known = this.ends[index]
    if (known !== undefined) return { index, end: known }
    const end = Math.min(this.base + endByte, this.stored)
    if (end === this.base) return undefined
    this.ends.push(end)
    return { index, end }
  }
}

/** A gateway's view of the open utterance, which lags behind what is stored. */
class Speaking {
  readonly plane = new Segments()
  readonly answers: CutMade[] = []
  state = emptyUtterance(0)
  now = 0

  chunk(bytes: number): void {
    this.plane.stored += bytes
    this.state = afterChunk(this.state, bytes, this.now)
  }

  cut(index: number, endByte: number): void {
    const answer = this.plane.cut(index, endByte)
    if (answer) this.answers.push(answer)
  }

  commit(share: number): void {
    const { stored, base, ends } = this.plane
    const samples = Math.floor(((stored - base) / BYTES_PER_SAMPLE) * share)
    this.cut(ends.length, samples * BYTES_PER_SAMPLE)
  }

  /** Says whether there was something to cut. */
  ask(): boolean {
    const decision = decide(this.state, SHORT, this.now)
    if (decision?.kind !== 'cut') return false
    expect(decision.index).toBe(this.state.index)
    expect(decision.endByte).toBeGreaterThan(0)
    expect(decision.endByte % BYTES_PER_SAMPLE).toBe(0)
    const open = this.state.stored - this.state.base
    expect(decision.endByte).toBeLessThanOrEqual(Math.min(SHORT.longest, open))
    this.cut(decision.index, decision.endByte)
    return true
  }

  learn(): void {
    const cut = this.answers.shift()
    if (cut) this.state = afterCut(this.state, cut.index, cut.end)
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
    const { plane, answers } = speech
    for (const step of all) speech.take(step)
    while (answers.length > 0) speech.learn()
    const { ends, stored } = plane
    expect(speech.state).toMatchObject({ index: ends.length, base: plane.base, stored })
    speech.now += SETTINGS.pauseMs
    while (speech.ask()) speech.learn()
    expect(speech.state).toMatchObject({ index: ends.length, base: stored, stored })
    expect(ends).toEqual(ends.toSorted((a, b) => a - b))
  })
  fc.assert(property, { numRuns: 1000 })
})
