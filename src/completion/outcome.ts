import { ERROR_CODES, type ErrorCode } from '../protocol/codes.ts'
import {
  BYTES_PER_SAMPLE,
  type FinalResult,
  type GapMarker,
  type Outcome,
  type Result,
  type ResultError,
  type Speech,
} from '../protocol/events.ts'
import type { SpeechRef, StageTimings, UtteranceJob } from '../protocol/jobs.ts'

/** What is settled for an index: the result without what only order and emit can know. */
export interface SettledOutcome {
  readonly outcome: Outcome
  readonly transcript?: string | undefined
  readonly translation?: string | undefined
  readonly speech?: SpeechRef | { readonly failed: string } | undefined
  readonly error?: ResultError | undefined
  readonly startMs: number
  readonly audioMs: number
  readonly node?: string | undefined
  readonly timings?: StageTimings | undefined
}

export const audioMsOf = ({ audio }: Pick<UtteranceJob, 'audio'>): number =>
  Math.round((audio.bytes * 1000) / (audio.sampleRate * BYTES_PER_SAMPLE))

/** An utterance that nobody could translate still ends, in its place in the order. */
export const failed = (job: UtteranceJob, code: ErrorCode, message?: string): SettledOutcome => ({
  outcome: 'failed',
  error: { code, message: message ?? ERROR_CODES[code] },
  startMs: job.startMs,
  audioMs: audioMsOf(job),
})

/** As the settle script stores it: with the figures that it adds on Redis's clock. */
export interface StoredOutcome extends SettledOutcome {
  readonly attempts: number
  readonly waitMs: number
  readonly totalMs: number
}

/** One entry of an outbox. */
export type OutboxEntry =
  | { readonly kind: 'gap'; readonly seq: number; readonly index: number }
  | {
      readonly kind: 'final'
      readonly seq: number
      readonly index: number
      readonly late: boolean
      readonly stored: StoredOutcome
    }

/** The key of the speech bytes of an entry, if it has any. */
export function speechOf(entry: OutboxEntry): SpeechRef | undefined {
  if (entry.kind === 'gap') return undefined
  const { speech } = entry.stored
  return speech && 'key' in speech ? speech : undefined
}

/** The result for the wire. `bytes` are those of the entry's speech; gone ones leave the text. */
export function toResult(entry: OutboxEntry, bytes: Buffer | undefined): Result {
  return entry.kind === 'gap' ? toMarker(entry) : toFinal(entry, bytes)
}

const toMarker = ({ seq, index }: OutboxEntry): GapMarker => ({ seq, index, kind: 'gap' })

function toFinal(
  { seq, index, late, stored }: Extract<OutboxEntry, { kind: 'final' }>,
  bytes: Buffer | undefined,
): FinalResult {
  const { timings } = stored
  const speech = speechFor(stored.speech, bytes)
  return {
    seq,
    index,
    kind: 'final',
    outcome: stored.outcome,
    ...(stored.transcript !== undefined && { transcript: stored.transcript }),
    ...(stored.translation !== undefined && { translation: stored.translation }),
    ...(speech && { speech }),
    ...(late && { late: true as const }),
    ...(stored.error && { error: stored.error }),
    startMs: stored.startMs,
    ...(stored.node !== undefined && { node: stored.node }),
    attempts: stored.attempts,
    timings: {
      audioMs: stored.audioMs,
      waitMs: stored.waitMs,
      ...timings,
      nodeMs: timings ? timings.recognizeMs + timings.translateMs + timings.synthesizeMs : 0,
      totalMs: stored.totalMs,
    },
  }
}

function speechFor(
  speech: SettledOutcome['speech'],
  bytes: Buffer | undefined,
): Speech | { readonly failed: string } | undefined {
  if (!speech || 'failed' in speech) return speech
  if (!bytes) return { failed: 'lost' }
  const { encoding, sampleRate, durationMs } = speech
  return { encoding, sampleRate, durationMs, bytes }
}
