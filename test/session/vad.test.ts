import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createLog } from '../../src/platform/log.ts'
import type { LinguaError } from '../../src/protocol/codes.ts'
import type { Frame } from '../../src/session/endpointing.ts'
import { Framer, levelOf } from '../../src/session/vad-framer.ts'
import { openLightVad, openMeter } from '../../src/session/vad-light.ts'
import { loadToRate } from '../../src/session/vad-rate.ts'
import { openVads, type Ear, type Listening } from '../../src/session/vad.ts'
import { descendantsOf } from '../support/processes.ts'
import { lacks, readRecordings } from '../support/real-engines.ts'

const STAND_IN = new URL('./stand-in-silero.mjs', import.meta.url)
const UNABLE = new URL('./unable-silero.mjs', import.meta.url)
const bytesOf = (frames: readonly Frame[]): number =>
  frames.reduce((sum, { bytes }) => sum + bytes, 0)

describe('frames', () => {
  test.for([8000, 11_025, 16_000, 22_050, 44_100, 47_999])(
    'of 32 ms at %d Hz hold every sample once, in order, however the stream is divided',
    (sampleRate) => {
      const pieces = fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 20 })
      const property = fc.property(pieces, (lengths) => {
        const framer = new Framer(sampleRate, 32)
        let sample = 0
        const frames = lengths.flatMap((length) => {
          const piece = Int16Array.from({ length }, () => (sample += 1))
          return framer.push(new Uint8Array(piece.buffer))
        })
        const heard = frames.flatMap((frame) => [...frame])
        const numbers = Int16Array.from({ length: heard.length }, (_, i) => i + 1)
        expect(heard).toEqual([...numbers])
        const exact = (sampleRate * 32) / 1000
        expect(heard.length).toBe(Math.round(frames.length * exact))
        expect(sample - heard.length).toBeLessThanOrEqual(exact)
      })
      fc.assert(property, { numRuns: 50 })
    },
  )

  test('may begin at an odd place in memory', () => {
    const memory = new Uint8Array(5)
    memory.set([1, 0, 2, 0], 1)
    expect(new Framer(1000, 2).push(memory.subarray(1))).toEqual([Int16Array.of(1, 2)])
  })

  test('have the level of their samples, whatever their sign', () => {
    expect(levelOf(Int16Array.of(3, -3, 3, -3))).toBe(9)
  })
})

const tone = (sampleRate: number, seconds: number): Uint8Array => {
  const wave = (_: unknown, i: number): number => Math.sin((i * 2 * Math.PI * 300) / sampleRate)
  const samples = Array.from({ length: sampleRate * seconds }, wave)
  return new Uint8Array(Int16Array.from(samples, (value) => value * 8000).buffer)
}

describe('the light detector', () => {
  test.for([8000, 16_000, 22_050, 32_000, 44_100, 48_000])(
    'hears no speech in silence at %d Hz, and judges all of it',
    async (sampleRate) => {
      const judge = (await openLightVad()).open(sampleRate)
      const frames = (await judge).judge(new Uint8Array(sampleRate * 2))
      expect(frames).toHaveLength(50)
      expect(bytesOf(frames)).toBe(sampleRate * 2)
      expect(frames.some(({ speech }) => speech)).toBe(false)
    },
  )

  test.skipIf(lacks('recordings')).for([8000, 16_000, 24_000, 44_100, 48_000])(
    'hears the speech of a recording at %d Hz',
    async (sampleRate) => {
      const judge = await (await openLightVad()).open(sampleRate)
      const toRate = await loadToRate(sampleRate)
      const { pcm } = readRecordings()[0] ?? { pcm: Buffer.alloc(0) }
      const samples = new Int16Array(Uint8Array.from(pcm).buffer)
      const seconds = Math.floor(samples.length / 16_000)
      const spoken = toRate(samples.subarray(0, seconds * 16_000), 16_000, seconds * sampleRate)
      const frames = judge.judge(new Uint8Array(Int16Array.from(spoken, (x) => x * 32_767).buffer))
      const share = frames.filter(({ speech }) => speech).length / frames.length
      expect(share).toBeGreaterThan(0.85)
    },
  )

  test('is done with a stream that was closed, even twice, and goes on with the others', async () => {
    const light = await openLightVad()
    const [one, other] = [await light.open(16_000), await light.open(16_000)]
    one.close()
    one.close()
    expect(one.judge(tone(16_000, 1))).toEqual([])
    expect(other.judge(tone(16_000, 1))).toHaveLength(50)
  })
})

test('without a detector everything is speech, and its loudness is measured', () => {
  const frames = openMeter(16_000).judge(tone(16_000, 1))
  expect(frames).toHaveLength(50)
  for (const { speech, level } of frames) {
    expect(speech).toBe(true)
    expect(Math.sqrt(level)).toBeCloseTo(8000 / Math.SQRT2, -2)
  }
})

/** A session's ear, and all that it told. */
async function listen(settings: { entry?: URL; places?: number } = {}) {
  const clock = { at: 0, now: () => clock.at }
  const vads = await openVads({ clock, log: createLog('silent', 'test'), ...settings })
  onTestFinished(() => vads.close())
  return {
    clock,
    vads,
    ear: async (over: Partial<Listening> = {}) => {
      const frames: Frame[] = []
      const told: LinguaError[] = []
      const ear = await vads.listen({
        mode: 'vad',
        vad: 'silero',
        sampleRate: 16_000,
        heard: (heard) => void frames.push(...heard),
        changed: (why) => void told.push(why),
        ...over,
      })
      return { ear, frames, told }
    },
  }
}

const piece = (order: number, bytes = 640): Uint8Array => new Uint8Array(bytes).fill(order)
const hear = async (ear: Ear, ...pieces: readonly Uint8Array[]): Promise<void> => {
  for (const each of pieces) ear.hear(each)
  await ear.settled()
}

describe('the detector in a process of its own', () => {
  test('judges every piece, in order', async () => {
    const { ear, frames, told } = await (await listen({ entry: STAND_IN })).ear()
    await hear(ear, piece(0, 8), piece(1, 8), piece(0, 4))
    expect(frames.map(({ speech }) => speech)).toEqual([false, false, true, true, false])
    expect(told).toEqual([])
  })

  test('has settled what was given before, whatever was given since', async () => {
    const { ear, frames } = await (await listen({ entry: STAND_IN })).ear()
    ear.hear(piece(0))
    const settled = ear.settled()
    for (let i = 0; i < 100; i += 1) ear.hear(piece(0))
    await settled
    expect(bytesOf(frames)).toBe(640)
  })

  test.for([
    ['dies', 2],
    ['hangs', 3],
    ['talks nonsense', 4],
  ] as const)(
    'that %s leaves its sessions to the light one, which hears all of it',
    async ([, order]) => {
      const { ear, frames, told } = await (await listen({ entry: STAND_IN })).ear()
      await hear(ear, piece(1))
      await hear(ear, piece(order), piece(0))
      await hear(ear, piece(0), piece(0))
      expect(bytesOf(frames)).toBe(5 * 640)
      expect(told.map(({ code }) => code)).toEqual(['engine_error'])
    },
  )

  test('that cannot start leaves them there from the beginning; it is tried again after 5 s', async () => {
    const { ear, clock } = await listen({ entry: UNABLE })
    const first = await ear()
    await hear(first.ear, piece(0))
    expect(bytesOf(first.frames)).toBe(640)
    expect(first.told).toMatchObject([{ code: 'engine_missing', message: 'no weights' }])
    clock.at = 4999
    const second = await ear()
    expect(second.told).toMatchObject([{ code: 'engine_missing' }])
    expect(second.told[0]?.message).not.toBe('no weights')
    clock.at = 5000
    expect((await ear()).told).toMatchObject([{ message: 'no weights' }])
  })

  test('has so many places; whoever finds none is told, and a place that is given back is free', async () => {
    const { ear } = await listen({ entry: STAND_IN, places: 1 })
    const first = await ear()
    const second = await ear()
    expect(first.told).toEqual([])
    expect(second.told).toMatchObject([{ code: 'engine_busy' }])
    await hear(second.ear, piece(0))
    expect(bytesOf(second.frames)).toBe(640)
    first.ear.close()
    expect((await ear()).told).toEqual([])
  })

  test('that is too slow loses those who wait for 2 s, and only them', async () => {
    const { ear, clock } = await listen({ entry: STAND_IN })
    const [late, other] = [await ear(), await ear()]
    other.ear.hear(piece(0))
    late.ear.hear(piece(0))
    clock.at = 2001
    await other.ear.settled()
    expect(late.told).toMatchObject([{ code: 'engine_busy' }])
    expect(bytesOf(late.frames)).toBe(640)
    await hear(other.ear, piece(0))
    expect(other.told).toEqual([])
  })

  test('runs only if somebody asked for it, and ends with its owner', async () => {
    const running = (): number => descendantsOf(process.pid, 'stand-in-silero').length
    const { vads, ear } = await listen({ entry: STAND_IN })
    await ear({ vad: 'light' })
    expect(running()).toBe(0)
    await ear()
    expect(running()).toBe(1)
    await vads.close()
    expect(running()).toBe(0)
  })

  test('says nothing more to a session that has gone', async () => {
    const { ear, frames, told } = await (await listen({ entry: STAND_IN })).ear()
    ear.hear(piece(1))
    ear.close()
    ear.hear(piece(1))
    await ear.settled()
    expect({ frames, told }).toEqual({ frames: [], told: [] })
  })
})
