/** What `GET /v1/explain` is asked. */
export interface ExplainQuery {
  readonly source: string
  readonly target: string
  readonly speech: boolean
}

/**
 * Why a node is or is not the choice. `equal` is as good as the chosen one, the lot decides; `behind` could
 * take work, but older utterances in line come first.
 */
export const VERDICTS = [
  'chosen',
  'equal',
  'longer_wait',
  'behind',
  'full',
  'unable',
  'other_pair',
  'warming',
  'draining',
  'gone',
] as const

export type Verdict = (typeof VERDICTS)[number]

export interface NodeExplanation {
  readonly node: string
  readonly verdict: Verdict
  /** Attempts it has in hand. */
  readonly held: number
  /** Utterances it works on at once; it is given up to three times as many. */
  readonly capacity: number
  /** Estimated wait on it, for nodes that could take work. */
  readonly waitMs?: number | undefined
}

/** The answer of `GET /v1/explain`: what routing would decide now for a new utterance without a home. */
export interface Explanation {
  /** As they would be served: without speech where nobody speaks. */
  readonly pairs: readonly string[]
  /** The node, or null where the utterance would wait in line. */
  readonly chosen: string | null
  /** Utterances in line for these pairs. */
  readonly waiting: number
  readonly nodes: readonly NodeExplanation[]
}
