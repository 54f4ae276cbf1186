import type { UtteranceView, View } from './view.ts'

export type PromiseId =
  | 'P1'
  | 'P2'
  | 'P3'
  | 'P4'
  | 'P5'
  | 'P6'
  | 'P7'
  | 'P9'
  | 'P10'
  | 'P11'
  | 'P12'
  | 'P12b'
  | 'P13'

/** A promise that a history shows to be broken. */
export interface Breach {
  readonly promise: PromiseId
  /** Where: a session, an utterance, a process. */
  readonly where: string
  readonly what: string
}

/** What a history is judged by. */
export interface Terms {
  readonly leaseMs: number
  readonly overallDeadlineMs: number
  readonly dedupWindowMs: number
  /** Longest that a finished attempt may wait to be settled: a scheduler's death lies in between. */
  readonly settleMs: number
  /** 99 of 100 restarts after the death of a node are faster; absent where other faults slow them down. */
  readonly restartMs?: number | undefined
  /** Work goes on so soon after Redis is back; absent where something else is down too. */
  readonly returnMs?: number | undefined
}

/** Looks at a whole history for breaches of one or a few promises. */
export type Rule = (view: View, terms: Terms) => readonly Breach[]

export const nameOf = ({ session, index }: UtteranceView): string => `u_${session}_${index}`

/** One rule out of one that looks at each utterance. */
export const forEachUtterance =
  (look: (utterance: UtteranceView, terms: Terms, view: View) => readonly Breach[]): Rule =>
  (view, terms) =>
    view.utterances.flatMap((utterance) => look(utterance, terms, view))
