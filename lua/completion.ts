import type { Stage } from '../src/protocol/events.ts'
import { jobId, parentId, type JobId, type SessionId } from '../src/protocol/ids.ts'
import type { Keys } from './keys.ts'
import { reply, timeOf, type ScriptDeps } from './scripts.ts'

export type Settled = 'settled' | 'duplicate' | 'already_settled' | 'superseded' | 'unknown_session'

export interface SettlePolicy {
  readonly dedupWindowMs: number
  readonly sessionLifeMs: number
  /** How long the attempt record outlives the outcome. */
  readonly recordLifeMs: number
  /** A session with so many unacknowledged results is closed as `slow_consumer`. */
  readonly maxOutbox: number
}

export interface CompletionScripts {
  /** Besides the word: waiting utterances that could be placed now. */
  settle(settlement: {
    session: SessionId
    index: number
    /** Which attempt gave the outcome; absent for one that needs none (cancelled, no node). */
    attempt: number | undefined
    /** A JSON object. */
    outcome: string
  }): Promise<{ readonly word: Settled; readonly waiting: readonly JobId[] }>
  markGap(gap: {
    session: SessionId
    headWaitMs: number
  }): Promise<{ kind: 'marked'; index: number } | { kind: 'early' | 'unknown_session' }>
}

/** Settling outcomes and keeping their order. */
export function createCompletionScripts(
  deps: ScriptDeps<Keys> & { readonly policy: SettlePolicy },
): CompletionScripts {
  const { call, keys, policy } = deps
  return {
    async settle({ session, index, attempt, outcome }) {
      const job = jobId(session, index)
      const answer = await call(
        'settle-8',
        [
          keys.session(session),
          keys.order(session),
          keys.held(session),
          keys.outcomes(session),
          keys.outbox(session),
          keys.dedup(session),
          keys.attempt(job),
          keys.heads,
        ],
        [
          keys.prefix,
          session,
          index,
          job,
          attempt ?? '',
          outcome,
          policy.dedupWindowMs,
          policy.sessionLifeMs,
          policy.recordLifeMs,
          policy.maxOutbox,
          timeOf(deps),
        ],
      )
      const [word, ...waiting] = reply(answer, [
        'settled',
        'duplicate',
        'already_settled',
        'superseded',
        'unknown_session',
      ])
      return { word, waiting: waiting.map(parentId) }
    },
    async markGap({ session, headWaitMs }) {
      const answer = await call(
        'markGap-6',
        [
          keys.session(session),
          keys.order(session),
          keys.held(session),
          keys.outcomes(session),
          keys.outbox(session),
          keys.heads,
        ],
        [keys.prefix, session, headWaitMs, timeOf(deps)],
      )
      const [word, index] = reply(answer, ['marked', 'early', 'unknown_session'])
      return word === 'marked' ? { kind: word, index: Number(index) } : { kind: word }
    },
  }
}

export interface ProgressScripts {
  /** `superseded` and `settled` mean: stop, nobody wants this attempt any more. */
  progress(step: {
    session: SessionId
    index: number
    attempt: number
    stage: Exclude<Stage, 'dispatched'>
    budgetMs: number
    text?: string
  }): Promise<'told' | 'superseded' | 'settled'>
}

/** The one completion script that nodes run. */
export function createProgressScripts(deps: ScriptDeps<Keys>): ProgressScripts {
  const { call, keys } = deps
  return {
    async progress({ session, index, attempt, stage, budgetMs, text = '' }) {
      const job = jobId(session, index)
      const answer = await call(
        'progress-5',
        [
          keys.session(session),
          keys.outcomes(session),
          keys.attempt(job),
          keys.deadlines,
          keys.clock,
        ],
        [keys.prefix, job, index, attempt, stage, budgetMs, text, timeOf(deps)],
      )
      return reply(answer, ['told', 'superseded', 'settled'])[0]
    },
  }
}
