import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Throttle } from '../../src/gateway/throttle.ts'
import { LIMITS } from '../../src/platform/limits.ts'

const CHUNK_MS = 100

/** Sends chunks from `from` on until one is refused, and answers that one. */
function fill(throttle: Throttle, from: number, now: number): number {
  let chunk = from
  while (throttle.admit(chunk, CHUNK_MS, now) === 0) chunk += 1
  return chunk
}

describe('a session', () => {
  test('may send a burst, then twice what time passes', () => {
    const throttle = new Throttle(0, 0)
    const first = fill(throttle, 0, 0)
    expect(first * CHUNK_MS).toBe(LIMITS.burstMs)
    expect((fill(throttle, first, 1000) - first) * CHUNK_MS).toBe(2000)
  })

  test('that is refused is told to come back when it may send 5 s at once', () => {
    const throttle = new Throttle(0, 0)
    const refused = fill(throttle, 0, 0)
    const waitMs = throttle.admit(refused, CHUNK_MS, 0)
    expect(waitMs).toBe(2500)
    expect((fill(throttle, refused, waitMs) - refused) * CHUNK_MS).toBe(5000)
  })

  test('sends again for nothing what was let through before', () => {
    const throttle = new Throttle(7, 0)
    const refused = fill(throttle, 7, 0)
    for (let chunk = 0; chunk < refused; chunk += 1)
      expect(throttle.admit(chunk, CHUNK_MS, 0)).toBe(0)
    expect(throttle.admit(refused, CHUNK_MS, 0)).toBeGreaterThan(0)
  })

  test('that speaks is never refused', () => {
    const paced = fc.property(fc.array(fc.integer({ min: 1, max: 2000 })), (chunks) => {
      const throttle = new Throttle(0, 0)
      let now = 0
      for (const [chunk, audioMs] of chunks.entries()) {
        now += audioMs
        expect(throttle.admit(chunk, audioMs, now)).toBe(0)
        expect(throttle.isLow(now)).toBe(false)
      }
    })
    fc.assert(paced)
  })

  test('that ran low is low until half of the burst is there again', () => {
    const throttle = new Throttle(0, 0)
    for (let chunk = 0; !throttle.isLow(0); chunk += 1) throttle.admit(chunk, CHUNK_MS, 0)
    const halfAt = LIMITS.burstMs / 6 / LIMITS.audioRate
    expect(throttle.isLow(halfAt - 100)).toBe(true)
    expect(throttle.isLow(halfAt + 100)).toBe(false)
    expect(throttle.isLow(halfAt + 100)).toBe(false)
  })

  test('is low before it is refused', () => {
    const throttle = new Throttle(0, 0)
    for (let chunk = 0; throttle.admit(chunk, CHUNK_MS, 0) === 0; chunk += 1)
      expect(throttle.isLow(0)).toBe((chunk + 1) * CHUNK_MS > (LIMITS.burstMs * 2) / 3)
  })
})

describe('what comes in spite of refusals', () => {
  test('is borne for a while, and for ever if it comes no faster than it may', () => {
    const throttle = new Throttle(0, 0)
    for (let ms = 0; ms < 600_000; ms += CHUNK_MS)
      expect(throttle.bears(LIMITS.audioRate * CHUNK_MS, ms)).toBe(true)
  })

  test('at twenty times real time is too much after a moment', () => {
    const throttle = new Throttle(0, 0)
    let ms = 0
    while (throttle.bears(20 * CHUNK_MS, ms)) ms += CHUNK_MS
    expect(ms).toBeGreaterThan(700)
    expect(ms).toBeLessThan(1000)
  })
})
