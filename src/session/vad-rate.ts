import type { create } from '@alexanderolsen/libsamplerate-js'

type Converter = Awaited<ReturnType<typeof create>>

/** Samples at one rate as `length` samples of the same duration at the resampler's rate. */
export type ToRate = (samples: Int16Array, fromRate: number, length: number) => Float32Array

const FULL_SCALE = 32_768

/**
 * Loads a resampler for detectors (libsamplerate): linear, since what folds back from above 8 kHz moves no
 * judgement and a band-limited one takes 20 times as long. One serves any number of streams.
 */
export async function loadToRate(toRate: number): Promise<ToRate> {
  const { default: libsamplerate } = await import('@alexanderolsen/libsamplerate-js')
  const converterType = libsamplerate.ConverterType.SRC_LINEAR
  const converter = await libsamplerate.create(1, toRate, toRate, { converterType })
  return (samples, fromRate, length) => convert(converter, { samples, fromRate, length })
}

/** Samples between -1 and 1. */
export function toFloats(samples: Int16Array): Float32Array {
  const floats = Float32Array.from(samples)
  for (let i = 0; i < floats.length; i += 1) floats[i] = (floats[i] ?? 0) / FULL_SCALE
  return floats
}

function convert(
  converter: Converter,
  { samples, fromRate, length }: { samples: Int16Array; fromRate: number; length: number },
): Float32Array {
  if (converter.inputSampleRate !== fromRate) converter.inputSampleRate = fromRate
  const resampled = converter.simple(toFloats(samples))
  // The library may stop one sample short.
  const whole = new Float32Array(length).fill(resampled.at(-1) ?? 0)
  whole.set(resampled.subarray(0, length))
  return whole
}
