import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { AckPacer } from '../../src/gateway/ack-pacer.ts'

const MOST_CHUNKS = 8
const MOST_MS = 100

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const pacer = () => {
  const told: number[] = []
  return { told, pacer: new AckPacer((chunk) => told.push(chunk)) }
}

describe('acknowledgements', () => {
  test('of a few chunks come as one, 100 ms after the first of them', () => {
    const it = pacer()
    for (const chunk of [0, 1, 2]) {
      it.pacer.stored(chunk)
      vi.advanceTimersByTime(33)
    }
    expect(it.told).toEqual([])
    vi.advanceTimersByTime(1)
    expect(it.told).toEqual([2])
  })

  test('come at once with the eighth chunk, and the clock begins anew', () => {
    const it = pacer()
    for (let chunk = 0; chunk < MOST_CHUNKS; chunk += 1) it.pacer.stored(chunk)
    expect(it.told).toEqual([7])
    it.pacer.stored(8)
    vi.advanceTimersByTime(MOST_MS - 1)
    expect(it.told).toEqual([7])
    vi.advanceTimersByTime(1)
    expect(it.told).toEqual([7, 8])
  })

  test('never go back', () => {
    const it = pacer()
    it.pacer.stored(20)
    for (const chunk of [3, 20, 12]) it.pacer.stored(chunk)
    vi.advanceTimersByTime(10 * MOST_MS)
    it.pacer.flush()
    expect(it.told).toEqual([20])
  })

  test('that wait are told at once when flushed, and then not again', () => {
    const it = pacer()
    it.pacer.stored(0)
    it.pacer.flush()
    it.pacer.flush()
    vi.advanceTimersByTime(MOST_MS)
    expect(it.told).toEqual([0])
  })

  test('of nothing are not told', () => {
    const it = pacer()
    it.pacer.flush()
    expect(it.told).toEqual([])
  })

  test('that wait are dropped when it stops, and no timer stays behind', () => {
    const it = pacer()
    for (const chunk of [0, 1, 2]) it.pacer.stored(chunk)
    it.pacer.stop()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(MOST_MS)
    expect(it.told).toEqual([])
  })
})

type Step = { readonly stored: number } | { readonly waitMs: number }
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(fc.record({ stored: fc.nat(60) }), fc.record({ waitMs: fc.nat(60) })),
  { maxLength: 60 },
)

test('at most one for 100 ms or 8 chunks, and none later than that', () => {
  const property = fc.property(steps, (all) => {
    let stored = -1
    let told = -1
    let toldAt = Date.now()
    let waitingSince = 0
    const it = new AckPacer((chunk) => {
      expect(chunk).toBe(stored)
      expect(chunk - told >= MOST_CHUNKS || Date.now() - toldAt >= MOST_MS).toBe(true)
      expect(Date.now() - waitingSince).toBeLessThanOrEqual(MOST_MS)
      told = chunk
      toldAt = Date.now()
    })
    for (const step of all) {
      if ('waitMs' in step) {
        vi.advanceTimersByTime(step.waitMs)
        continue
      }
      if (stored === told) waitingSince = Date.now()
      stored = Math.max(stored, step.stored)
      it.stored(step.stored)
      expect(stored - told).toBeLessThan(MOST_CHUNKS)
    }
    vi.advanceTimersByTime(MOST_MS)
    expect(told).toBe(stored)
    expect(vi.getTimerCount()).toBe(0)
  })
  fc.assert(property, { numRuns: 500 })
})
