import { isErrorCode, type ErrorCode } from './codes.ts'
import { clip, MOST_MESSAGE } from './text.ts'
import type { CutReason, Encoding } from './events.ts'

/** The queue of parents: one job for every utterance. */
export const UTTERANCES = 'utterances'
/** The name of the child job that a node works on. */
export const TRANSLATE = 'translate'

/** Data of a job in `utterances`: a few hundred bytes, the audio by key and range. */
export interface UtteranceJob {
  readonly v: 1
  readonly sessionId: string
  readonly index: number
  readonly source: string
  readonly candidates?: readonly string[] | undefined
  readonly target: string
  readonly reason: CutReason
  readonly speech: boolean
  readonly audio: AudioRange
  /** From the session's first chunk to the first sample of the utterance. */
  readonly startMs: number
}

/** Where the bytes of an utterance lie in the audio plane. */
export interface AudioRange {
  readonly key: string
  readonly from: number
  readonly bytes: number
  readonly encoding: Encoding
  readonly sampleRate: number
}

/** Data of a child job: all that a node is told of an attempt. */
export interface ChildJob {
  readonly v: 1
  readonly sessionId: string
  readonly index: number
  readonly attempt: number
  readonly source: string
  readonly target: string
  readonly candidates?: readonly string[] | undefined
  readonly reason: CutReason
  readonly audio: AudioRange
  /** Where to write speech, and for how long; absent if none is wanted. */
  readonly speech?: { readonly key: string; readonly ttlMs: number } | undefined
  /** Counted by the node from its own start. */
  readonly budgetMs: number
  readonly traceparent?: string | undefined
}

export interface SpeechRef {
  readonly key: string
  readonly bytes: number
  readonly encoding: Encoding
  readonly sampleRate: number
  readonly durationMs: number
}

export interface StageTimings {
  readonly recognizeMs: number
  readonly translateMs: number
  readonly synthesizeMs: number
}

/** Return value of a child job. Failing is an error whose message is `<code>: <text>`. */
export interface ChildResult {
  readonly v: 1
  readonly outcome: 'translated' | 'empty'
  readonly transcript?: string | undefined
  readonly translation?: string | undefined
  readonly detected?: string | undefined
  readonly speech?: SpeechRef | { readonly failed: string } | undefined
  readonly timings: StageTimings
}

/** What a node can do; `translate` is directed. */
export interface Languages {
  readonly recognize: readonly string[]
  readonly translate: readonly (readonly [source: string, target: string])[]
  readonly synthesize: readonly string[]
}

export interface Registration {
  readonly id: string
  readonly version: string
  readonly capacity: number
  readonly languages: Languages
  readonly engines: readonly string[]
  readonly host: string
}

/** Vitals, sent up with every beat. */
export interface Vitals {
  readonly active: readonly string[]
  readonly serviceMsPerAudioS: number
  readonly rssMB: number
  readonly loopBlockedMs: number
  /** Results that Redis did not let in, since the process began. */
  readonly lateResults?: number | undefined
}

/** Splits the message of a failed child into its code and text, clipped; anything unknown is `engine_error`. */
export function parseFailure(message: string): { code: ErrorCode; message: string } {
  const [word = '', ...rest] = message.split(': ')
  const [code, text]: [ErrorCode, string] = isErrorCode(word)
    ? [word, rest.join(': ') || word]
    : ['engine_error', message]
  return { code, message: clip(text, MOST_MESSAGE) }
}
