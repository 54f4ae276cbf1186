import load from '@echogarden/fvad-wasm'
import type { Frame } from './endpointing.ts'
import { Framer, levelOf } from './vad-framer.ts'
import { loadToRate, type ToRate } from './vad-rate.ts'

/** Judges one stream of pcm_s16le, as it comes, frame by frame. */
export interface Judge {
  /** What this piece completes, judged; what is left over waits for the next piece. */
  judge(pcm: Uint8Array): readonly Frame[]
  close(): void
}

export interface LightVad {
  /** A judge for one stream of this rate, 8 to 48 kHz. */
  open(sampleRate: number): Promise<Judge>
}

const FRAME_MS = 20
/** The detector's own rates; any other is made the second. */
const RATES: readonly number[] = [8000, 16_000, 32_000, 48_000]
const FALLBACK_RATE = 16_000
const LARGEST_SAMPLE = 32_767
const LARGEST_FRAME_BYTES = (48_000 * FRAME_MS * 2) / 1000
/** From 0 (hears speech everywhere) to 3: with 2 the noise of a room after a word counts as speech. */
const AGGRESSIVENESS = 3

/** Loads the WebRTC detector: 20 kB of WebAssembly, less than 1 ms of work per second of audio. */
export async function openLightVad(): Promise<LightVad> {
  const fvad = await load()
  const { _malloc: allocate, _fvad_new: create, _fvad_free: free, _fvad_process: judgeFrame } = fvad
  const { _fvad_set_mode: setMode, _fvad_set_sample_rate: setSampleRate } = fvad
  const memory = allocate(LARGEST_FRAME_BYTES)
  let loading: Promise<ToRate> | undefined

  const isSpeech = (detector: number, samples: Int16Array): boolean => {
    fvad.HEAP16.set(samples, memory / Int16Array.BYTES_PER_ELEMENT)
    return judgeFrame(detector, memory, samples.length) === 1
  }
  return {
    async open(sampleRate) {
      const rate = RATES.includes(sampleRate) ? sampleRate : FALLBACK_RATE
      const toRate = rate === sampleRate ? undefined : await (loading ??= loadToRate(rate))
      const length = (rate * FRAME_MS) / 1000
      const framer = new Framer(sampleRate, FRAME_MS)
      const detector = create()
      let open = true
      setMode(detector, AGGRESSIVENESS)
      setSampleRate(detector, rate)
      const frameOf = (samples: Int16Array): Frame => ({
        bytes: samples.byteLength,
        speech: isSpeech(detector, toRate ? toInts(toRate(samples, sampleRate, length)) : samples),
        level: levelOf(samples),
      })
      return {
        judge: (pcm) => (open ? framer.push(pcm).map(frameOf) : []),
        close() {
          if (open) free(detector)
          open = false
        },
      }
    },
  }
}

/** A judge that takes everything for speech, for sessions that know no silence: it only measures. */
export function openMeter(sampleRate: number): Judge {
  const framer = new Framer(sampleRate, FRAME_MS)
  return {
    judge: (pcm) =>
      framer.push(pcm).map((samples) => ({
        bytes: samples.byteLength,
        speech: true,
        level: levelOf(samples),
      })),
    close: () => {},
  }
}

function toInts(floats: Float32Array): Int16Array {
  const samples = new Int16Array(floats.length)
  for (let i = 0; i < samples.length; i += 1)
    samples[i] = Math.max(-1, Math.min(1, floats[i] ?? 0)) * LARGEST_SAMPLE
  return samples
}
