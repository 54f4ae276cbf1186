import { createHash } from 'node:crypto'
import type { Languages, Registration, Vitals } from '../src/protocol/jobs.ts'
import {
  childId,
  incarnation,
  nodeId,
  parentId,
  sessionId,
  type AttemptId,
  type Incarnation,
  type JobId,
  type NodeId,
  type SessionId,
} from '../src/protocol/ids.ts'
import { nodeQueue, type Keys } from './keys.ts'
import { reply, strings, timeOf, type ScriptDeps } from './scripts.ts'

export type NodeState = 'warming' | 'ready' | 'draining'

export type Order =
  | { readonly kind: 'drain'; readonly incarnation: string }
  | { readonly kind: 'abort'; readonly attempt: string }

export interface LeasePolicy {
  readonly leaseMs: number
  /** How long a node's hash outlives its life. */
  readonly recordLifeMs: number
  /** A gap between two ticks of the fleet's clock longer than this was an outage of Redis. */
  readonly graceMs: number
}

export interface Life {
  readonly node: NodeId
  readonly incarnation: Incarnation
}

/** `held` attempts are in the node's hands; `draining` says that it was told before. */
export type Drained =
  | { readonly kind: 'ordered' | 'draining'; readonly held: number }
  | { readonly kind: 'gone' | 'unknown' }

/** Work for the watch. */
export interface Due {
  readonly fencing: readonly Life[]
  readonly overdue: readonly AttemptId[]
  /** Sessions whose missing head has held others back for too long. */
  readonly gaps: readonly SessionId[]
  /** Waiting utterances that could be placed now, or have waited long enough to be told. */
  readonly waiting: readonly JobId[]
  /** Sessions that nobody attends any more. */
  readonly orphans: readonly SessionId[]
}

export interface Tick {
  /** Most that is answered of each kind. */
  readonly limit: number
  readonly headWaitMs: number
  readonly startDeadlineMs: number
  readonly resumeWindowMs: number
}

export interface FleetScripts {
  registerNode(node: Registration): Promise<{ incarnation: Incarnation; queue: string }>
  beatNode(
    life: Life,
    state: NodeState,
    vitals: Vitals,
  ): Promise<{ kind: 'beat'; orders: readonly Order[] } | { kind: 'superseded' }>
  leaveFleet(life: Life): Promise<'left' | 'superseded'>
  /** Takes a node out of the pools at once and orders it to hand on, finish and leave. */
  drainNode(node: NodeId): Promise<Drained>
  /** Expires silent nodes and answers what is due. */
  tickWatch(tick: Tick): Promise<Due>
}

/** No estimate goes below this: faster nodes are equal, and noise does not steer the fleet. */
const LEAST_SERVICE_MS = 100

/** The fleet's registry: leases, pools, orders. */
export function createFleetScripts(
  deps: ScriptDeps<Keys> & { readonly policy: LeasePolicy },
): FleetScripts {
  const { call, keys, policy } = deps
  return {
    async registerNode(node) {
      const answer = await call(
        'registerNode-4',
        [keys.nodes, keys.fencing, keys.node(nodeId(node.id)), keys.clock],
        [keys.prefix, node.id, policy.leaseMs, timeOf(deps), ...describe(node)],
      )
      const life = incarnation(String(answer))
      return { incarnation: life, queue: nodeQueue(nodeId(node.id), life) }
    },
    async beatNode(life, state, vitals) {
      const answer = await call(
        'beatNode-4',
        [keys.nodes, keys.node(life.node), keys.orders(life.node, life.incarnation), keys.clock],
        [
          keys.prefix,
          life.node,
          life.incarnation,
          state,
          policy.leaseMs,
          policy.graceMs,
          timeOf(deps),
          ...describeVitals(vitals),
        ],
      )
      const [word, ...orders] = reply(answer, ['beat', 'superseded'])
      return word === 'beat' ? { kind: word, orders: parseOrders(orders) } : { kind: word }
    },
    async leaveFleet(life) {
      const answer = await call(
        'leaveFleet-3',
        [keys.nodes, keys.fencing, keys.node(life.node)],
        [keys.prefix, life.node, life.incarnation, policy.recordLifeMs, timeOf(deps)],
      )
      return reply(answer, ['left', 'superseded'])[0]
    },
    async drainNode(node) {
      const answer = await call(
        'drainNode-1',
        [keys.node(node)],
        [keys.prefix, node, ORDER_LIFE_MS],
      )
      const [word, held] = reply(answer, ['ordered', 'draining', 'gone', 'unknown'])
      return word === 'gone' || word === 'unknown'
        ? { kind: word }
        : { kind: word, held: Number(held) }
    },
    async tickWatch({ limit, headWaitMs, startDeadlineMs, resumeWindowMs }) {
      const answer = await call(
        'tickWatch-5',
        [keys.nodes, keys.fencing, keys.clock, keys.deadlines, keys.heads],
        [
          keys.prefix,
          policy.graceMs,
          limit,
          headWaitMs,
          policy.recordLifeMs,
          startDeadlineMs,
          resumeWindowMs,
          timeOf(deps),
        ],
      )
      const [fencing, overdue, gaps, waiting, orphans] = Array.isArray(answer)
        ? answer.map(strings)
        : []
      return {
        fencing: (fencing ?? []).map(parseLife),
        overdue: (overdue ?? []).map(childId),
        gaps: (gaps ?? []).map(sessionId),
        waiting: (waiting ?? []).map(parentId),
        orphans: (orphans ?? []).map(sessionId),
      }
    },
  }
}

/** How long an order waits for the beat of a node; a lease is over much sooner. */
export const ORDER_LIFE_MS = 60_000

/** An order as it stands in the list of a node, and as it is published to it; undefined if it is none. */
export function parseOrder(text: string): Order | undefined {
  const [word, about = ''] = text.split(' ')
  if (word === 'abort') return { kind: 'abort', attempt: about }
  return word === 'drain' ? { kind: 'drain', incarnation: about } : undefined
}

const parseOrders = (texts: readonly string[]): readonly Order[] =>
  texts.map(parseOrder).filter((order) => order !== undefined)

/** A node serves a pair if it recognizes the source and translates it; `+speech` if it also says the target. */
export function pairsOf(languages: Languages): readonly string[] {
  const pairs: string[] = []
  for (const [source, target] of languages.translate) {
    if (!languages.recognize.includes(source)) continue
    pairs.push(pairName(source, target, false))
    if (languages.synthesize.includes(target)) pairs.push(pairName(source, target, true))
  }
  return [...new Set(pairs)].toSorted()
}

export const pairName = (source: string, target: string, speech: boolean): string =>
  `${source}>${target}${speech ? '+speech' : ''}`

function describe(node: Registration): (string | number)[] {
  const pairs = pairsOf(node.languages).join(' ')
  return [
    ...['capacity', node.capacity],
    ...['profile', createHash('sha1').update(pairs).digest('hex').slice(0, 16)],
    ...['pairs', pairs],
    ...['serviceMs', LEAST_SERVICE_MS],
    ...['languages', JSON.stringify(node.languages)],
    ...['engines', JSON.stringify(node.engines)],
    ...['version', node.version],
    ...['host', node.host],
  ]
}

/** Seconds of audio in an utterance, to turn a node's pace into an estimate of its wait. */
const TYPICAL_AUDIO_S = 3

function describeVitals(vitals: Vitals): (string | number)[] {
  const serviceMs = Math.round(vitals.serviceMsPerAudioS * TYPICAL_AUDIO_S)
  return [
    ...['serviceMs', Math.max(LEAST_SERVICE_MS, serviceMs)],
    ...['active', vitals.active.length],
    ...['rssMB', Math.round(vitals.rssMB)],
    ...['loopBlockedMs', Math.round(vitals.loopBlockedMs)],
    ...['lateResults', vitals.lateResults ?? 0],
  ]
}

/** `<node>-<incarnation>`: node ids may hold dashes, incarnations do not. */
function parseLife(text: string): Life {
  const dash = text.lastIndexOf('-')
  return { node: nodeId(text.slice(0, dash)), incarnation: incarnation(text.slice(dash + 1)) }
}
