import type { SettledOutcome } from '../completion/outcome.ts'
import { ERROR_CODES, type ErrorCode } from '../protocol/codes.ts'
import { BYTES_PER_SAMPLE } from '../protocol/events.ts'
import type { ChildResult, UtteranceJob } from '../protocol/jobs.ts'

export const audioMsOf = ({ audio }: Pick<UtteranceJob, 'audio'>): number =>
  Math.round((audio.bytes * 1000) / (audio.sampleRate * BYTES_PER_SAMPLE))

const common = (job: UtteranceJob) => ({ startMs: job.startMs, audioMs: audioMsOf(job) })

/** The outcome that a node's result is. */
export function fromResult(job: UtteranceJob, node: string, result: ChildResult): SettledOutcome {
  return {
    outcome: result.outcome,
    ...(result.transcript !== undefined && { transcript: result.transcript }),
    ...(result.translation !== undefined && { translation: result.translation }),
    ...(result.speech && { speech: result.speech }),
    ...common(job),
    node,
    timings: result.timings,
  }
}

/** An utterance that nobody could translate still ends, in its place in the order. */
export const failed = (job: UtteranceJob, code: ErrorCode, message?: string): SettledOutcome => ({
  outcome: 'failed',
  error: { code, message: message ?? ERROR_CODES[code] },
  ...common(job),
})
