import type { Encoding } from '../src/protocol/events.ts'
import type { Languages } from '../src/protocol/jobs.ts'

/** One utterance as an engine sees it. */
export interface Utterance {
  readonly audio: Buffer
  readonly encoding: Encoding
  readonly sampleRate: number
  readonly source: string
  readonly candidates?: readonly string[] | undefined
  readonly target: string
  /** 1, 2, 3 ...: which attempt at the utterance this is. */
  readonly attempt: number
  /** Aborts on deadline, cancel, abort order and fence: whatever runs must then stop for real. */
  readonly signal: AbortSignal
}

export interface Synthesized {
  readonly bytes: Buffer
  readonly encoding: Encoding
  readonly sampleRate: number
}

/**
 * The three stages of one utterance, called in this order, each at most once. A stage that fails
 * throws a `LinguaError` whose code tells the scheduler what to do (`engine_error`, `engine_busy`,
 * `engine_missing`, `bad_audio`); once `signal` has aborted it rejects with `signal.reason`.
 */
export interface Stages {
  /** An empty text means that nothing was said; `detected` names the language when it was `auto`. */
  recognize(): Promise<{ readonly text: string; readonly detected?: string }>
  translate(text: string, source: string): Promise<string>
  /** Undefined when there is nothing to say aloud. */
  synthesize(text: string): Promise<Synthesized | undefined>
}

/** What a node computes with. Any number of utterances, up to the node's capacity, run at once. */
export interface Engine {
  readonly name: string
  /** The programs and models behind it, for people. */
  readonly parts: readonly string[]
  /** What it really offers, found when it was opened. */
  readonly languages: Languages
  /** Runs a probe utterance, so that the first real one is neither slow nor the first to fail. */
  warmUp(signal: AbortSignal): Promise<void>
  begin(utterance: Utterance): Stages
  /** Ends every child process. Safe to call twice. */
  close(): Promise<void>
}
