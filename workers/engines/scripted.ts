import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { isErrorCode, LinguaError } from '../../src/protocol/codes.ts'
import type { Engine, Stages, Utterance } from '../engine.ts'

const MARK = 'LMQ1'
const HEADER_BYTES = MARK.length + 4

const ms = z.number().min(0).default(0)
const times = z.number().int().min(0).default(0)

/** What an utterance may ask of whoever processes it: the JSON behind the mark in its audio. */
const Script = z.strictObject({
  text: z.string().default(''),
  recognizeMs: ms,
  translateMs: ms,
  synthesizeMs: ms,
  outcome: z.enum(['translated', 'empty', 'failed']).default('translated'),
  code: z.string().default('engine_error'),
  failures: times,
  hang: times,
  deaf: z.boolean().default(false),
  crash: times,
  block: ms,
  on: z.string().default(''),
  speechBytes: z.number().int().min(0).default(0),
  speechFails: z.boolean().default(false),
})
export type Script = z.input<typeof Script>

/** The audio of an utterance that asks for `script`, padded with silence to `bytes`. */
export function scriptedAudio(script: Script, bytes = 0): Buffer {
  const json = Buffer.from(JSON.stringify(script))
  const least = HEADER_BYTES + json.length
  const audio = Buffer.alloc(Math.max(bytes, least + (least % 2)))
  audio.write(MARK)
  audio.writeUInt32LE(json.length, MARK.length)
  json.copy(audio, HEADER_BYTES)
  return audio
}

/**
 * The deterministic engine: the audio itself says what happens to it, so that any client can ask any
 * node for any behaviour. Audio without the mark is transcribed as the hash of its bytes.
 */
export function createScriptedEngine(options: {
  readonly node: string
  /** `en>es` */
  readonly pairs: readonly string[]
}): Engine {
  const directions = options.pairs.map((pair): [string, string] => {
    const [source = '', target = ''] = pair.split('>')
    return [source, target]
  })
  return {
    name: 'scripted',
    parts: ['scripted'],
    languages: {
      recognize: [...new Set(directions.map(([source]) => source))],
      translate: directions,
      synthesize: [...new Set(directions.map(([, target]) => target))],
    },
    warmUp: () => Promise.resolve(),
    begin: (utterance) => stagesOf(readScript(utterance.audio), utterance, options.node),
    close: () => Promise.resolve(),
  }
}

function readScript(audio: Buffer): z.output<typeof Script> {
  if (!audio.subarray(0, MARK.length).equals(Buffer.from(MARK)))
    return Script.parse({ text: `sha256:${createHash('sha256').update(audio).digest('hex')}` })
  try {
    const end = HEADER_BYTES + audio.readUInt32LE(MARK.length)
    return Script.parse(JSON.parse(audio.toString('utf8', HEADER_BYTES, end)))
  } catch (cause) {
    throw new LinguaError('bad_audio', 'the script in the audio cannot be read', { cause })
  }
}

function stagesOf(script: z.output<typeof Script>, utterance: Utterance, node: string): Stages {
  const { attempt, signal, target } = utterance
  const faulty = node.startsWith(script.on)
  return {
    async recognize() {
      if (faulty) await misbehave(script, attempt, signal)
      await spend(script.recognizeMs, signal)
      if (faulty && (script.outcome === 'failed' || attempt <= script.failures))
        throw failure(script)
      return { text: script.outcome === 'empty' ? '' : script.text }
    },
    async translate(text) {
      await spend(script.translateMs, signal)
      return `[${target}] ${text}`
    },
    async synthesize() {
      await spend(script.synthesizeMs, signal)
      if (faulty && script.speechFails)
        throw new LinguaError('engine_error', 'synthesis fails on demand')
      if (script.speechBytes === 0) return undefined
      return {
        bytes: Buffer.alloc(script.speechBytes, 1),
        encoding: 'pcm_s16le',
        sampleRate: 16_000,
      }
    },
  }
}

async function misbehave(
  { crash, block, hang, deaf }: z.output<typeof Script>,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  if (attempt <= crash) process.kill(process.pid, 'SIGKILL')
  if (block > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, block)
  if (attempt > hang) return
  await new Promise<void>((_, reject) => {
    if (deaf) return
    const stop = (): void => reject(asError(signal.reason))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
  })
}

async function spend(duration: number, signal: AbortSignal): Promise<void> {
  if (duration > 0)
    await pause(duration, undefined, { signal }).catch(() => {
      throw asError(signal.reason)
    })
}

const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new LinguaError('cancelled')

const failure = ({ code }: z.output<typeof Script>): LinguaError =>
  new LinguaError(isErrorCode(code) ? code : 'engine_error', 'fails on demand')
