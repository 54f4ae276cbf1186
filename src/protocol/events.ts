import type { WireError } from './codes.ts'

/** The Socket.IO namespace clients connect to. */
export const NAMESPACE = '/v1/translate'

/** Raw samples; nothing else is taken. */
export type Encoding = 'pcm_s16le'
export const BYTES_PER_SAMPLE = 2
export const SAMPLE_RATES = { min: 8000, max: 48_000 } as const

/** Why an utterance ended where it did. */
export const CUT_REASONS = [
  'manual',
  'pause',
  'timeout',
  'max_duration',
  'close',
  'disconnect',
] as const
export type CutReason = (typeof CUT_REASONS)[number]

export const OUTCOMES = ['translated', 'empty', 'failed', 'cancelled'] as const
export type Outcome = (typeof OUTCOMES)[number]

export const STAGES = ['dispatched', 'started', 'transcribed', 'translated'] as const
export type Stage = (typeof STAGES)[number]

export const ENDPOINTING_MODES = ['vad', 'gap', 'manual'] as const
export type EndpointingMode = (typeof ENDPOINTING_MODES)[number]

export interface AudioFormat {
  readonly encoding: Encoding
  readonly sampleRate: number
}

export interface Endpointing {
  readonly mode: EndpointingMode
  readonly vad?: 'light' | 'silero' | undefined
  readonly pauseMs?: number | undefined
  readonly maxDurationMs?: number | undefined
}

/** What a client wants translated: `source: 'auto'` takes `candidates`. */
export interface StartRequest {
  readonly source: string
  readonly candidates?: readonly string[] | undefined
  readonly target: string
  readonly audio?: AudioFormat | undefined
  readonly endpointing?: Endpointing | undefined
  readonly speech?: boolean | undefined
}

/** What a client still knows of a session that it wants back. `lastSeq: 0` and `-1` mean none seen. */
export interface ResumeRequest {
  readonly sessionId: string
  readonly token: string
  readonly lastSeq: number
  readonly lastIndex: number
  readonly ackedChunk: number
  readonly firstChunk: number
}

export interface Limits {
  readonly maxChunkBytes: number
  readonly burstMs: number
  readonly maxUnfinished: number
  readonly outboxTtlMs: number
}

export interface SessionGrant {
  readonly id: string
  readonly resumeToken: string
  readonly nextChunk: number
  readonly limits: Limits
}

export type Refusal = { readonly ok: false; readonly error: WireError }
export type Answer<T extends object = object> = ({ readonly ok: true } & T) | Refusal
export type Ack<T extends object = object> = (answer: Answer<T>) => void

export interface Finalized {
  readonly index: number
  readonly reason: CutReason
  readonly startMs: number
  readonly durationMs: number
  readonly continues?: number | undefined
}

export interface Progress {
  readonly index: number
  readonly stage: Stage
  readonly text?: string | undefined
  readonly attempt: number
}

/** All durations; no figure subtracts the clocks of two machines. */
export interface Timings {
  readonly audioMs: number
  /** From the cut to the start of the attempt that gave the outcome. */
  readonly waitMs: number
  readonly recognizeMs?: number | undefined
  readonly translateMs?: number | undefined
  readonly synthesizeMs?: number | undefined
  readonly nodeMs: number
  /** From the cut to the emit. */
  readonly totalMs: number
}

export interface Speech {
  readonly encoding: Encoding
  readonly sampleRate: number
  readonly durationMs: number
  readonly bytes: Uint8Array
}

/** Why an utterance failed; what `details` holds depends on the code. */
export interface ResultError {
  readonly code: string
  readonly message: string
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

export interface FinalResult {
  readonly seq: number
  readonly index: number
  readonly kind: 'final'
  readonly outcome: Outcome
  readonly transcript?: string | undefined
  readonly translation?: string | undefined
  readonly speech?: Speech | { readonly failed: string } | undefined
  readonly late?: true | undefined
  readonly error?: ResultError | undefined
  readonly startMs: number
  readonly node?: string | undefined
  readonly attempts: number
  readonly timings: Timings
}

/** This index is still in work and those behind it are released; its outcome comes with `late: true`. */
export interface GapMarker {
  readonly seq: number
  readonly index: number
  readonly kind: 'gap'
}

export type Result = FinalResult | GapMarker

/** Client to server; the acknowledgement function carries the answer. */
export interface ClientEvents {
  'session.start': (
    request: StartRequest | { readonly resume: ResumeRequest },
    ack: Ack<{ session: SessionGrant; replayed: number }>,
  ) => void
  'audio.append': (chunk: number, bytes: Uint8Array) => void
  'utterance.commit': (
    request: { readonly through?: number | undefined },
    ack: Ack<{ index: number | null }>,
  ) => void
  'utterance.cancel': (
    request: { readonly index: number },
    ack: Ack<{ cancelled: boolean }>,
  ) => void
  'playback.started': (request: { readonly seq: number }, ack: Ack) => void
  'playback.ended': (request: { readonly seq: number }, ack: Ack) => void
  'result.ack': (request: { readonly seq: number }) => void
  'session.close': (
    request: Record<string, never>,
    ack: Ack<{ lastIndex: number | null; unfinished: number }>,
  ) => void
}

/** Server to client. Only `result` is sequenced and sent again until acknowledged. */
export interface ServerEvents {
  'audio.ack': (ack: { readonly chunk: number }) => void
  'utterance.finalized': (finalized: Finalized) => void
  'utterance.progress': (progress: Progress) => void
  result: (result: Result) => void
  'session.error': (error: WireError & { readonly fatal: boolean }) => void
  'session.backpressure': (advice: {
    readonly action: 'slow' | 'pause' | 'resume'
    readonly retryAfterMs?: number
  }) => void
  'audio.lost': (hole: { readonly from: number; readonly to: number }) => void
  'session.goaway': (notice: { readonly graceMs: number }) => void
  'session.superseded': (empty: Record<string, never>) => void
  'session.closed': (closed: { readonly reason: string }) => void
}
