import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createPulse } from '../../src/platform/pulse.ts'

const clock = { at: 0, now: () => clock.at }
const pulse = createPulse(clock)

/** Time passes while the loop turns. */
function turn(ms: number): void {
  for (let passed = 0; passed < ms; passed += 250) {
    clock.at += 250
    vi.advanceTimersByTime(250)
  }
}

/** Time passes and no timer runs. */
function block(ms: number): void {
  clock.at += ms
}

beforeEach(async () => {
  vi.useFakeTimers()
  await pulse.start()
})

afterEach(async () => {
  await pulse.stop(AbortSignal.abort())
  vi.useRealTimers()
})

test('a loop that turns was never blocked', () => {
  turn(60_000)
  expect(pulse.blockedMs).toBe(0)
})

test('a block is seen before the timer sees it, remembered for 10 s, and then forgotten', () => {
  block(6250)
  expect(pulse.blockedMs).toBe(6000)
  turn(10_000)
  expect(pulse.blockedMs).toBe(6250)
  turn(500)
  expect(pulse.blockedMs).toBe(0)
})

test('of several blocks the worst of late counts', () => {
  turn(30_000)
  block(1000)
  turn(250)
  block(7000)
  turn(250)
  block(3000)
  turn(250)
  expect(pulse.blockedMs).toBe(7000)
})
