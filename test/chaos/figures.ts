import { repeatsOf } from './checker/delivery.ts'
import { fencedOf, rehomesOf, restartsOf, returnsOf } from './checker/failover.ts'
import { executionsOf, viewOf } from './checker/view.ts'
import type { Fact } from './history.ts'

/** What a scenario's row in the table shows. */
export interface Figures {
  readonly sessions: number
  readonly utterances: number
  /** How many ended in each way. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Codes of those that failed, and how many of each. */
  readonly failures: Readonly<Record<string, number>>
  readonly executions: { readonly mean: number; readonly most: number }
  /** Results that came again on the wire: the client library drops them. */
  readonly repeats: number
  /** Utterances without an outcome. */
  readonly holes: number
  readonly late: number
  readonly rehomes: number
  /** Ends of attempts that came too late: their utterance had gone on without them. */
  readonly fenced: number
  /** Restarts after a node's death, ms. */
  readonly restart: Spread | undefined
  /** First new work after each return of Redis, ms. */
  readonly returns: readonly number[]
  /** How long the machine left the runner without a processor, ms in all. */
  readonly starvedMs: number
}

export interface Spread {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly most: number
}

export function measure(facts: readonly Fact[]): Figures {
  const view = viewOf(facts)
  const { utterances } = view
  const finals = utterances.flatMap(({ finals: all }) => all.slice(0, 1))
  const executions = utterances.map((each) => executionsOf(each).length)
  return {
    sessions: view.sessions.length,
    utterances: utterances.length,
    outcomes: tally(finals.map(({ result }) => result.outcome)),
    failures: tally(finals.flatMap(({ result }) => (result.error ? [result.error.code] : []))),
    executions: {
      mean: executions.reduce((sum, n) => sum + n, 0) / Math.max(1, executions.length),
      most: Math.max(0, ...executions),
    },
    repeats: repeatsOf(view),
    holes: utterances.length - finals.length,
    late: finals.filter(({ result }) => result.late).length,
    rehomes: rehomesOf(view),
    fenced: fencedOf(view).length,
    restart: spreadOf(restartsOf(view).map(({ tookMs }) => tookMs)),
    returns: returnsOf(view),
    starvedMs: view.of('starved').reduce((sum, { ms }) => sum + ms, 0),
  }
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const each of words) counts[each] = (counts[each] ?? 0) + 1
  return counts
}

function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), most: at(1) }
}
