import { readRecordings } from '../support/real-engines.ts'

export const RATE = 16_000
const FRAME = RATE / 50

export interface Conversation {
  readonly pcm: Buffer
  /** Where each sentence ends, ms from the beginning. */
  readonly ends: readonly number[]
}

/** Numbers between 0 and 1, the same ones for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const meanSquare = (samples: ArrayLike<number>, from: number, to: number): number => {
  let sum = 0
  for (let i = from; i < to; i += 1) sum += (samples[i] ?? 0) ** 2
  return sum / (to - from)
}

/**
 * Where the speech of a recording begins and ends, in samples, by its loudness alone: what lies within
 * 20 dB of its loud parts, in 100 ms around each 20 ms. Behind it comes breath and the noise of the room.
 */
function speechIn(samples: Int16Array): { begin: number; end: number } {
  const count = Math.floor(samples.length / FRAME)
  const around = (frame: number): number =>
    meanSquare(samples, Math.max(0, frame - 2) * FRAME, Math.min(count, frame + 3) * FRAME)
  const levels = Array.from({ length: count }, (_, frame) => around(frame))
  const loud = levels.toSorted((a, b) => a - b)[Math.floor(count * 0.95)] ?? 0
  const isSpeech = (level: number): boolean => level >= loud / 100
  return {
    begin: levels.findIndex(isSpeech) * FRAME,
    end: (levels.findLastIndex(isSpeech) + 1) * FRAME,
  }
}

/** Noise with the same energy in every octave (Kellet's filter). */
function pinkNoise(length: number, random: () => number): Float32Array {
  const poles = [0.99765, 0.963, 0.57]
  const gains = [0.099046, 0.2965164, 1.0526913]
  const state = [0, 0, 0]
  return Float32Array.from({ length }, () => {
    const white = random() * 2 - 1
    let sum = white * 0.1848
    for (const [i, pole] of poles.entries())
      sum += state[i] = pole * (state[i] ?? 0) + white * (gains[i] ?? 0)
    return sum
  })
}

/**
 * The sentences of a LibriVox reader, so many times, with 0.6 to 1.2 s of silence between them; with
 * `noiseDb` in pink noise that is so much weaker than the speech.
 */
export function converse(seed: number, noiseDb?: number, times = 2): Conversation {
  const random = randomFrom(seed)
  const parts: Int16Array[] = [new Int16Array(RATE * 0.8)]
  const ends: number[] = []
  let length = RATE * 0.8
  let power = 0
  const recordings = Array.from({ length: times }, readRecordings).flat()
  for (const { pcm } of recordings) {
    const samples = new Int16Array(Uint8Array.from(pcm).buffer)
    const { begin, end } = speechIn(samples)
    const gap = new Int16Array(Math.round(RATE * (0.6 + 0.6 * random())))
    ends.push((length + end) / (RATE / 1000))
    power += meanSquare(samples, begin, end) / recordings.length
    parts.push(samples, gap)
    length += samples.length + gap.length
  }
  const all = new Int16Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  if (noiseDb !== undefined) addNoise(all, pinkNoise(length, random), power / 10 ** (noiseDb / 10))
  return { pcm: Buffer.from(all.buffer), ends }
}

function addNoise(samples: Int16Array, noise: Float32Array, power: number): void {
  const gain = Math.sqrt(power / meanSquare(noise, 0, noise.length))
  for (let i = 0; i < samples.length; i += 1)
    samples[i] = Math.max(-32_768, Math.min(32_767, (samples[i] ?? 0) + (noise[i] ?? 0) * gain))
}
