import type { ErrorCode } from '../src/protocol/codes.ts'
import {
  incarnation,
  jobId,
  nodeId,
  type Incarnation,
  type NodeId,
  type SessionId,
} from '../src/protocol/ids.ts'
import type { Keys } from './keys.ts'
import { oneOf, reply, timeOf, type ScriptDeps } from './scripts.ts'

/** How the attempt that ended came to its end: a code, or without a word when its child is just gone. */
export interface Ended {
  readonly n: number
  readonly code: ErrorCode | undefined
}

export type Route =
  | {
      readonly kind: 'node'
      readonly n: number
      readonly node: NodeId
      readonly incarnation: Incarnation
      /** Estimated wait on that node, ms. */
      readonly waitMs: number
      readonly decision: (typeof DECISIONS)[number]
    }
  | { readonly kind: 'wait'; readonly waitMs: number }
  | { readonly kind: 'no_node'; readonly sinceMs: number; readonly excluded: Excluded }
  | { readonly kind: 'exhausted'; readonly code: string }
  | { readonly kind: 'deadline' | 'settled' | 'superseded' | 'unknown_session' }

/** How many nodes that serve the pair are out, by reason. */
export interface Excluded {
  readonly full: number
  readonly unable: number
}

/** What a parent finds when its processor is entered. */
export interface Entry {
  /** The current attempt, 0 before the first. */
  readonly n: number
  readonly at: { readonly node: NodeId; readonly incarnation: Incarnation } | undefined
  /** What became of the current attempt's child. */
  readonly child:
    | { readonly kind: 'returned'; readonly value: unknown }
    | { readonly kind: 'failed'; readonly message: string }
    | { readonly kind: 'pending' | 'none' }
  /** Keys of children that still hang on the parent and are not the current attempt's. */
  readonly strays: readonly string[]
}

export interface RoutePolicy {
  readonly affinityPenaltyMs: number
  readonly affinityTtlMs: number
  readonly startDeadlineMs: number
  readonly overallDeadlineMs: number
  /** Most errors of an utterance, and most re-homes. */
  readonly maxAttempts: number
  readonly retryBackoffMs: number
  readonly recordLifeMs: number
}

/** What `route` would decide now for a new utterance without a home. */
export interface Explained {
  /** As they would be served: without speech where nobody speaks. */
  readonly pairs: readonly string[]
  /** Utterances in line for these pairs. */
  readonly waiting: number
  readonly chosen: { readonly node: NodeId; readonly rank: number } | undefined
}

export interface RoutingScripts {
  route(request: {
    session: SessionId
    index: number
    ended: Ended
    /** `en>es` or `en>es+speech`: the node must serve them all. */
    pairs: readonly string[]
    home: 'bind' | 'clear'
  }): Promise<Route>
  /** Reads only. */
  explainRoute(pairs: readonly string[]): Promise<Explained>
  confirmAttempt(attempt: {
    session: SessionId
    index: number
    n: number
    node: NodeId
    incarnation: Incarnation
  }): Promise<'confirmed' | 'fenced' | 'superseded'>
  /** Reads only. */
  readEntry(utterance: { session: SessionId; index: number }): Promise<Entry>
}

/** Routing decisions, each one script. */
export function createRoutingScripts(
  deps: ScriptDeps<Keys> & { readonly policy: RoutePolicy },
): RoutingScripts {
  const { call, keys, policy } = deps
  return {
    async route({ session, index, ended, pairs, home }) {
      const job = jobId(session, index)
      const answer = await call(
        'route-6',
        [
          keys.session(session),
          keys.outcomes(session),
          keys.attempt(job),
          keys.home(session),
          keys.deadlines,
          keys.clock,
        ],
        [
          keys.prefix,
          job,
          index,
          ended.n,
          ended.code ?? '',
          pairs.join(' '),
          home,
          policy.affinityPenaltyMs,
          policy.affinityTtlMs,
          policy.startDeadlineMs,
          policy.overallDeadlineMs,
          policy.maxAttempts,
          policy.retryBackoffMs,
          policy.recordLifeMs,
          timeOf(deps),
        ],
      )
      return parseRoute(answer)
    },
    async explainRoute(wanted) {
      const args = [keys.prefix, wanted.join(' '), timeOf(deps)]
      const answer = await call('explainRoute-1', [keys.clock], args)
      const [word, pairs = '', waiting, node = '', rank] = reply(answer, ['node', 'no_node'])
      return {
        pairs: pairs.split(' '),
        waiting: Number(waiting),
        chosen: word === 'node' ? { node: nodeId(node), rank: Number(rank) } : undefined,
      }
    },
    async confirmAttempt({ session, index, n, node, incarnation: life }) {
      const answer = await call(
        'confirmAttempt-3',
        [keys.attempt(jobId(session, index)), keys.node(node), keys.fencing],
        [n, life, node, timeOf(deps)],
      )
      return reply(answer, ['confirmed', 'fenced', 'superseded'])[0]
    },
    async readEntry({ session, index }) {
      const job = jobId(session, index)
      const hanging = (what: string): string => `${keys.parent(job)}:${what}`
      const answer = await call(
        'readEntry-4',
        [keys.attempt(job), hanging('processed'), hanging('failed'), hanging('dependencies')],
        [keys.prefix, job],
      )
      return parseEntry(answer)
    },
  }
}

function parseEntry(answer: unknown): Entry {
  const [kind, value = '', n, node, life, ...strays] = reply(answer, [
    'returned',
    'failed',
    'pending',
    'none',
  ])
  return {
    n: Number(n),
    at: node && life ? { node: nodeId(node), incarnation: incarnation(life) } : undefined,
    child:
      kind === 'returned'
        ? { kind, value: JSON.parse(value) }
        : kind === 'failed'
          ? { kind, message: value }
          : { kind },
    strays,
  }
}

const DECISIONS = ['home', 'balance', 'rehome'] as const

function parseRoute(answer: unknown): Route {
  const [word, a = '', b = '', c = '', wait, decision] = reply(answer, [
    'node',
    'wait',
    'no_node',
    'exhausted',
    'deadline',
    'settled',
    'superseded',
    'unknown_session',
  ])
  switch (word) {
    case 'node':
      return {
        kind: word,
        n: Number(a),
        node: nodeId(b),
        incarnation: incarnation(c),
        waitMs: Number(wait),
        decision: oneOf(DECISIONS, decision),
      }
    case 'wait':
      return { kind: word, waitMs: Number(a) }
    case 'no_node':
      return { kind: word, sinceMs: Number(a), excluded: { full: Number(b), unable: Number(c) } }
    case 'exhausted':
      return { kind: word, code: a }
    case 'deadline':
    case 'settled':
    case 'superseded':
    case 'unknown_session':
      return { kind: word }
  }
}
