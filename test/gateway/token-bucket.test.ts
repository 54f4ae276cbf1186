import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TokenBucket } from '../../src/gateway/token-bucket.ts'

const [BURST, PER_MS] = [1000, 2]
const bucket = (): TokenBucket => new TokenBucket({ burst: BURST, perMs: PER_MS, now: 0 })

describe('a bucket', () => {
  test('gives its burst at once, and then what flows in', () => {
    const tokens = bucket()
    expect(tokens.take(BURST, 0)).toBe(true)
    expect(tokens.take(1, 0)).toBe(false)
    expect(tokens.take(200, 99)).toBe(false)
    expect(tokens.take(200, 100)).toBe(true)
    expect(tokens.fill(100)).toBe(0)
  })

  test('holds no more than its burst, however long nothing is taken', () => {
    const tokens = bucket()
    expect(tokens.take(BURST + 1, 1e9)).toBe(false)
    expect(tokens.take(BURST, 1e9)).toBe(true)
  })

  test('says when there will be enough, and for more than it can hold when it is full', () => {
    const tokens = bucket()
    tokens.take(BURST, 0)
    expect(tokens.waitMs(200, 0)).toBe(100)
    expect(tokens.waitMs(200, 60)).toBe(40)
    expect(tokens.waitMs(5 * BURST, 60)).toBe(BURST / PER_MS - 60)
  })

  test('is not filled by a clock that goes back', () => {
    const tokens = bucket()
    tokens.take(BURST, 500)
    expect([tokens.take(1, 0), tokens.take(1, 500)]).toEqual([false, false])
  })
})

const asked = fc.array(
  fc.record({
    amount: fc.integer({ min: 1, max: BURST }),
    after: fc.integer({ min: 0, max: 400 }),
  }),
  { minLength: 1, maxLength: 60 },
)

test('in no span of time does it give more than its burst and what flows in meanwhile', () => {
  const property = fc.property(asked, (all) => {
    const tokens = bucket()
    const given: { at: number; amount: number }[] = []
    let now = 0
    for (const { amount, after } of all) {
      now += after
      if (tokens.take(amount, now)) given.push({ at: now, amount })
    }
    for (const [i, from] of given.entries()) {
      let sum = 0
      for (const { at, amount } of given.slice(i)) {
        sum += amount
        expect(sum).toBeLessThanOrEqual(BURST + PER_MS * (at - from.at))
      }
    }
  })
  fc.assert(property)
})

test('who waits for as long as it is told is given what it asked for, and not before', () => {
  const property = fc.property(asked, (all) => {
    const tokens = bucket()
    let now = 0
    for (const { amount, after } of all) {
      now += after
      const waitMs = tokens.waitMs(amount, now)
      expect(waitMs > 1 && tokens.take(amount, now + waitMs - 1)).toBe(false)
      now += waitMs
      expect(tokens.take(amount, now)).toBe(true)
    }
  })
  fc.assert(property)
})
