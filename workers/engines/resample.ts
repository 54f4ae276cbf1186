import type { create } from '@alexanderolsen/libsamplerate-js'

type Converter = Awaited<ReturnType<typeof create>>

/** 16-bit little-endian mono samples of any rate, in Hz, to samples at the rate of the resampler. */
export type Resample = (pcm: Uint8Array, fromRate: number) => Promise<Int16Array>

const FULL_SCALE = 32_768
/** The library is right up to 4 MB a call; a whole second in is a whole second out at any rate. */
const SLICE_SECONDS = 16

/** Makes a resampler (libsamplerate, band-limited sinc); its 20 MB are loaded at first need. */
export function createResampler(toRate: number): Resample {
  let loading: Promise<Converter> | undefined
  return async (pcm, fromRate) => {
    const samples = new Int16Array(Uint8Array.from(pcm).buffer)
    if (fromRate === toRate) return samples
    const converter = await (loading ??= loadConverter(toRate))
    // Setting the rate also forgets the utterance before.
    converter.inputSampleRate = fromRate
    return convert(converter, samples)
  }
}

async function loadConverter(toRate: number): Promise<Converter> {
  const { default: libsamplerate } = await import('@alexanderolsen/libsamplerate-js')
  const converterType = libsamplerate.ConverterType.SRC_SINC_MEDIUM_QUALITY
  return await libsamplerate.create(1, toRate, toRate, { converterType })
}

function convert(converter: Converter, samples: Int16Array): Int16Array {
  const { inputSampleRate, outputSampleRate } = converter
  const resampled = new Int16Array(Math.ceil((samples.length * outputSampleRate) / inputSampleRate))
  for (let second = 0; second * inputSampleRate < samples.length; second += SLICE_SECONDS) {
    const from = second * inputSampleRate
    const slice = samples.subarray(from, from + SLICE_SECONDS * inputSampleRate)
    const floats = converter.simple(Float32Array.from(slice, (sample) => sample / FULL_SCALE))
    resampled.set(Int16Array.from(floats, toSample), second * outputSampleRate)
  }
  return resampled
}

const toSample = (value: number): number =>
  Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, Math.round(value * FULL_SCALE)))
