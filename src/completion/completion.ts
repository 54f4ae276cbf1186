import type { CompletionScripts, Settled } from '../../lua/completion.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { attemptId, jobId, type JobId, type SessionId } from '../protocol/ids.ts'
import type { SettledOutcome } from './outcome.ts'

export interface CompletionDeps {
  readonly scripts: CompletionScripts
  readonly log: Log
  /** Asks utterances again that waited for the slot this outcome has freed. */
  readonly promote: (jobs: readonly JobId[]) => Promise<void>
  readonly metrics: Pick<Metrics, 'outcomes' | 'filtered' | 'settleSeconds' | 'stageSeconds'>
}

export interface Completion {
  /** Offers an outcome: the first accepted one of an index counts, every repeat is logged. */
  settle(offer: {
    session: SessionId
    index: number
    attempt: number | undefined
    outcome: SettledOutcome
  }): Promise<Settled>
}

/** The 30-second dedup set, the first outcome of an index and its order: all in one script. */
export function createCompletion({ scripts, log, metrics, promote }: CompletionDeps): Completion {
  return {
    async settle({ session, index, attempt, outcome }) {
      const timed = metrics.settleSeconds.startTimer()
      const { word, waiting } = await scripts.settle({
        session,
        index,
        attempt,
        outcome: JSON.stringify(outcome),
      })
      timed()
      if (waiting.length > 0)
        promote(waiting).catch((error: unknown) => log.debug({ err: error }, 'not promoted'))
      if (word === 'settled') {
        measure(metrics, outcome)
      } else {
        metrics.filtered.inc({ word })
        const utterance = jobId(session, index)
        log.info(
          { session, utterance, index, attempt: attempt && attemptId(utterance, attempt), word },
          'outcome filtered',
        )
      }
      return word
    },
  }
}

function measure(
  metrics: CompletionDeps['metrics'],
  { outcome, error, timings }: SettledOutcome,
): void {
  metrics.outcomes.inc({ outcome, code: error?.code ?? '' })
  if (!timings) return
  metrics.stageSeconds.observe({ stage: 'recognize' }, timings.recognizeMs / 1000)
  metrics.stageSeconds.observe({ stage: 'translate' }, timings.translateMs / 1000)
  metrics.stageSeconds.observe({ stage: 'synthesize' }, timings.synthesizeMs / 1000)
}
