/**
 * Every error code of the system, each with a sentence for people. A code is part of the wire:
 * it is never renamed and never reused.
 */
export const ERROR_CODES = {
  bad_request: 'The event or its payload is not what the protocol says.',
  unauthorized: 'The token is missing, wrong or expired.',
  forbidden_origin: 'Without LINGUA_AUTH_SECRET only connections from this machine are served.',
  session_not_started: 'Send session.start first and wait for its answer.',
  session_not_found: 'This session does not exist or has expired.',
  resume_rejected: 'The resume token does not open this session.',
  chunk_gap: 'A chunk is missing: send again from the expected number.',
  chunk_too_large: 'A chunk may hold at most maxChunkBytes and an even number of bytes.',
  rate_limited: 'Audio arrives faster than the limit allows.',
  too_many_sessions: 'This subject has as many sessions as it may have.',
  unsupported_audio: 'Only pcm_s16le, mono, 8000 to 48000 Hz is taken.',
  unsupported_pair: 'No node serves this pair of languages.',
  no_node: 'No node could take this utterance before the start deadline.',
  deadline: 'The work was not finished in its time.',
  engine_error: 'An engine failed on this utterance.',
  engine_missing: 'The node lacks an engine for this work.',
  engine_busy: 'The engine cannot take more work now.',
  bad_audio: 'The audio of this utterance cannot be read.',
  node_lost: 'The node that had the work died or was cut off.',
  attempts_exhausted: 'Every attempt that this utterance may have has failed.',
  lost: 'The audio of this utterance was lost with the store.',
  cancelled: 'The utterance was cancelled.',
  overloaded: 'Too much is unfinished in this session: slow down.',
  slow_consumer: 'Results were not acknowledged: the session was closed.',
  dependency_down: 'Redis does not answer: try again shortly.',
  draining: 'This process is about to stop: connect to another.',
  internal: 'Something broke that should not: the log has the cause.',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(ERROR_CODES, text)

export interface LinguaErrorOptions {
  readonly cause?: unknown
  readonly retryAfterMs?: number
  readonly details?: Readonly<Record<string, unknown>>
}

/** The shape of every error on the wire, in an answer, in `session.error` or in `connect_error.data`. */
export interface WireError {
  readonly code: ErrorCode
  readonly message: string
  readonly retryAfterMs?: number
  readonly details?: Readonly<Record<string, unknown>>
}

/** A broken expectation with a code. The message says what was expected, what came and what to do. */
export class LinguaError extends Error {
  override readonly name = 'LinguaError'
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: ErrorCode, message?: string, options: LinguaErrorOptions = {}) {
    super(message ?? ERROR_CODES[code], { cause: options.cause })
    this.code = code
    this.retryAfterMs = options.retryAfterMs
    this.details = options.details
  }

  toWire(): WireError {
    return {
      code: this.code,
      message: this.message,
      ...(this.retryAfterMs !== undefined && { retryAfterMs: this.retryAfterMs }),
      ...(this.details && { details: this.details }),
    }
  }
}
