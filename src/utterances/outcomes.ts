import { audioMsOf, type SettledOutcome } from '../completion/outcome.ts'
import type { ChildResult, UtteranceJob } from '../protocol/jobs.ts'

/** The outcome that a node's result is. */
export function fromResult(job: UtteranceJob, node: string, result: ChildResult): SettledOutcome {
  return {
    outcome: result.outcome,
    ...(result.transcript !== undefined && { transcript: result.transcript }),
    ...(result.translation !== undefined && { translation: result.translation }),
    ...(result.speech && { speech: result.speech }),
    startMs: job.startMs,
    audioMs: audioMsOf(job),
    node,
    timings: result.timings,
  }
}
