import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bytesOf,
  hearing,
  ms,
  said,
  silent,
  Speaker,
  VAD as rules,
  type Frames,
} from './speaker.ts'

/** Talk in turns of 20 ms to 20 s with silences of 0.1 to 10 s between them. */
const talk = fc
  .array(
    fc.record({
      quietMs: fc.oneof(fc.integer({ min: 100, max: 1000 }), fc.integer({ min: 100, max: 10_000 })),
      loudMs: fc.oneof(fc.integer({ min: 20, max: 400 }), fc.integer({ min: 20, max: 20_000 })),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((turns) => turns.flatMap(({ quietMs, loudMs }) => [...silent(quietMs), ...said(loudMs)]))
const chunkings = fc.array(fc.integer({ min: 100, max: 3200 }), { minLength: 1, maxLength: 20 })

const speak = (frames: Frames, chunks: readonly number[] = [640]): Speaker => {
  const speaker = new Speaker(rules)
  speaker.say(frames, chunks)
  return speaker
}

describe('of what is said and what is silent', () => {
  test('every byte is in one utterance or was dropped, and what was dropped is no speech', () => {
    const property = fc.property(talk, chunkings, (frames, chunks) => {
      const speaker = speak(frames, chunks)
      speaker.commit()
      const { utterances, bytes } = speaker
      let at = 0
      for (const { begin, end } of utterances) {
        expect(begin).toBeGreaterThanOrEqual(at)
        expect(hearing(frames, at, begin).longest).toBeLessThan(rules.minSpeech)
        at = end
      }
      expect(hearing(frames, at, bytes).longest).toBeLessThan(rules.minSpeech)
    })
    fc.assert(property, { numRuns: 60 })
  })

  test('every utterance has its minimum of speech and no more than its maximum of audio', () => {
    const property = fc.property(talk, chunkings, (frames, chunks) => {
      const speaker = speak(frames, chunks)
      speaker.commit()
      for (const { begin, end } of speaker.utterances) {
        expect(hearing(frames, begin, end).speech).toBeGreaterThanOrEqual(rules.minSpeech)
        expect(end - begin).toBeLessThanOrEqual(rules.longest)
      }
    })
    fc.assert(property, { numRuns: 60 })
  })

  test('the same is cut and left out, however it was divided into chunks', () => {
    const property = fc.property(talk, chunkings, (frames, chunks) => {
      const ranges = ({ utterances }: Speaker) =>
        utterances.map(({ begin, end, reason }) => ({ begin, end, reason }))
      expect(ranges(speak(frames, chunks))).toEqual(ranges(speak(frames, [bytesOf(frames) / 2])))
    })
    fc.assert(property, { numRuns: 60 })
  })

  test('an utterance begins with as much silence before its speech as there is, up to 200 ms', () => {
    const property = fc.property(talk, chunkings, (frames, chunks) => {
      let last = 0
      for (const { begin, end } of speak(frames, chunks).utterances) {
        const speech = hearing(frames, begin, end).first
        expect(speech - begin).toBe(Math.min(ms(200), speech - last))
        last = end
      }
    })
    fc.assert(property, { numRuns: 60 })
  })

  test('a pause is never shorter than asked for, and leaves the next speech its pre-roll', () => {
    const property = fc.property(talk, chunkings, (frames, chunks) => {
      for (const { reason, end } of speak(frames, chunks).utterances) {
        if (reason !== 'pause') continue
        const spoken = hearing(frames, 0, end).last
        expect(hearing(frames, spoken, spoken + rules.pause).speech).toBe(0)
        expect(end - spoken).toBe(rules.pause - rules.preRoll)
      }
    })
    fc.assert(property, { numRuns: 60 })
  })

  test('in half an hour of talk none is cut at its first chunk or shorter than its minimum', () => {
    const half = fc.property(
      fc.infiniteStream(talk),
      fc.constantFrom(320, 1600),
      (stream, chunk) => {
        const frames: boolean[] = []
        for (const part of stream) {
          frames.push(...part)
          if (frames.length * 20 >= 1_800_000) break
        }
        const { utterances } = speak(frames, [chunk])
        expect(utterances.length).toBeGreaterThan(50)
        for (const { begin, end, chunks } of utterances) {
          expect(chunks).toBeGreaterThan(1)
          expect(hearing(frames, begin, end).speech).toBeGreaterThanOrEqual(rules.minSpeech)
        }
      },
    )
    fc.assert(half, { numRuns: 2 })
  })
})
