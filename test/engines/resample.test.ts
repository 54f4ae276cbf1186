import { expect, test } from 'vitest'
import { createResampler } from '../../workers/engines/resample.ts'

const RATE = 16_000
const AMPLITUDE = 16_000

function tone(hertz: number, rate: number, seconds: number): Uint8Array {
  const samples = Int16Array.from({ length: rate * seconds }, (_, n) =>
    Math.round(AMPLITUDE * Math.sin((2 * Math.PI * hertz * n) / rate)),
  )
  return new Uint8Array(samples.buffer)
}

/** Of the middle: the edges swing. */
const peak = (samples: Int16Array): number =>
  samples.subarray(samples.length / 4, -samples.length / 4).reduce((a, b) => Math.max(a, b), 0)

const countRises = (samples: Int16Array): number =>
  samples.filter((each, n) => each >= 0 && (samples[n - 1] ?? 0) < 0).length

const resample = createResampler(RATE)

test('audio at the right rate is left as it is', async () => {
  const samples = await resample(tone(440, RATE, 1), RATE)
  expect(Buffer.from(samples.buffer).equals(tone(440, RATE, 1))).toBe(true)
})

test.each([8000, 11_025, 22_050, 44_100, 48_000])(
  'a tone at %i Hz keeps its length, its level and its pitch',
  async (rate) => {
    const samples = await resample(tone(1000, rate, 2), rate)
    expect(samples).toHaveLength(2 * RATE)
    expect(peak(samples) / AMPLITUDE).toBeCloseTo(1, 1)
    expect(countRises(samples)).toBeCloseTo(2000, -1)
  },
)

test('what lies above half the new rate is taken out, not folded back', async () => {
  expect(peak(await resample(tone(10_000, 48_000, 1), 48_000))).toBeLessThan(AMPLITUDE / 100)
})

test('what overshoots full scale is cut off and does not wrap around', async () => {
  const square = Int16Array.from({ length: 48_000 }, (_, n) => (n % 200 < 100 ? 32_767 : -32_768))
  const samples = await resample(new Uint8Array(square.buffer), 48_000)
  expect(peak(samples)).toBe(32_767)
  expect(countRises(samples)).toBeCloseTo(240, -1)
})

test('a minute is as good as a second, before and after one', async () => {
  for (const seconds of [1, 60, 1]) {
    const samples = await resample(tone(1000, 48_000, seconds), 48_000)
    expect(samples).toHaveLength(seconds * RATE)
    expect(peak(samples) / AMPLITUDE).toBeCloseTo(1, 1)
  }
})

test('no audio is no samples', async () => {
  expect(await resample(new Uint8Array(), 48_000)).toHaveLength(0)
})
