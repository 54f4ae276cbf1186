import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type sherpa from 'sherpa-onnx-node'
import type { Frame } from './endpointing.ts'
import { Framer, levelOf } from './vad-framer.ts'
import { loadToRate, toFloats, type ToRate } from './vad-rate.ts'
import type { Errand, Statement } from './vad-silero-wire.ts'

const RATE = 16_000
const WINDOW = 512
/** Each window is judged together with this many samples before it. */
const CONTEXT = 64
/** The program runs from `dist`; the weights lie beside its source. */
const WEIGHTS = '../../../src/session/models/silero_vad_16k_op15.onnx'

type Sherpa = typeof sherpa
type Detector = InstanceType<Sherpa['Vad']>

interface Stream {
  readonly detector: Detector
  readonly judge: (pcm: Uint8Array) => readonly Frame[]
}

function say(statement: Statement, then?: () => void): void {
  process.send?.(statement, undefined, undefined, then)
}

const createDetector = ({ Vad }: Sherpa, model: string): Detector =>
  new Vad(
    {
      sileroVad: {
        model,
        threshold: 0.5,
        // As short as can be: how long silence and speech must be is the cutter's business.
        minSilenceDuration: 0.001,
        minSpeechDuration: 0.001,
        maxSpeechDuration: 60,
        windowSize: WINDOW,
      },
      sampleRate: RATE,
      numThreads: 1,
      provider: 'cpu',
      debug: 0,
    },
    1,
  )

function openStream(detector: Detector, sampleRate: number, toRate: ToRate): Stream {
  const framer = new Framer(sampleRate, (WINDOW * 1000) / RATE)
  detector.reset()
  detector.acceptWaveform(new Float32Array(CONTEXT))
  const isSpeech = (samples: Float32Array): boolean => {
    detector.acceptWaveform(samples)
    const speech = detector.isDetected()
    // Otherwise it would collect the utterance, and copy all of it at each window.
    if (speech) detector.flush()
    detector.clear()
    return speech
  }
  const judgeFrame = (samples: Int16Array): Frame => ({
    bytes: samples.byteLength,
    speech: isSpeech(sampleRate === RATE ? toFloats(samples) : toRate(samples, sampleRate, WINDOW)),
    level: levelOf(samples),
  })
  return { detector, judge: (pcm) => framer.push(pcm).map(judgeFrame) }
}

async function serve(): Promise<void> {
  const { default: library } = await import('sherpa-onnx-node')
  const model = fileURLToPath(new URL(WEIGHTS, import.meta.url))
  // The library would end the process without a word.
  if (!existsSync(model)) throw new Error(`${model} is not there`)
  const toRate = await loadToRate(RATE)
  const streams = new Map<number, Stream>()
  /** Costly to make: one that is given back serves the next stream. */
  const idle: Detector[] = [createDetector(library, model)]

  process.on('message', ({ open, close, audio }: Errand) => {
    if (open) {
      const detector = idle.pop() ?? createDetector(library, model)
      streams.set(open.stream, openStream(detector, open.sampleRate, toRate))
    }
    const judged = audio.map(({ stream, pcm }) => ({
      stream,
      frames: [...(streams.get(stream)?.judge(pcm) ?? [])],
    }))
    for (const stream of close) {
      const detector = streams.get(stream)?.detector
      if (streams.delete(stream) && detector) idle.push(detector)
    }
    say({ kind: 'done', judged })
  })
  say({ kind: 'ready' })
}

// However the parent dies, the channel closes.
process.once('disconnect', () => process.exit(0))
serve().catch((error: unknown) =>
  say({ kind: 'unable', message: String(error) }, () => process.exit(1)),
)
