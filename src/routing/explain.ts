import type { Redis } from 'ioredis'
import type { Life } from '../../lua/fleet.ts'
import type { Keys } from '../../lua/keys.ts'
import type { Explained, RoutingScripts } from '../../lua/routing.ts'
import {
  VERDICTS,
  type ExplainQuery,
  type Explanation,
  type NodeExplanation,
  type Verdict,
} from '../protocol/explanation.ts'
import { incarnation, nodeId } from '../protocol/ids.ts'
import { pairsFor } from './pairs.ts'

export interface ExplainDeps {
  readonly control: Redis
  readonly keys: Keys
  readonly scripts: Pick<RoutingScripts, 'explainRoute'>
}

/** Nodes looked at together. */
const BATCH = 200

/**
 * Tells what `route` would decide now, asked by the rules that `route` goes by, and why every other node is
 * out. Reads only; a fleet in motion may have moved on between the choice and the look at a node.
 */
export function createExplain(deps: ExplainDeps): (query: ExplainQuery) => Promise<Explanation> {
  const { control, keys, scripts } = deps
  return async (query) => {
    const choice = await scripts.explainRoute(pairsFor(query))
    const [live, fenced] = await Promise.all([
      control.zrange(keys.nodes, '0', '-1'),
      control.zrange(keys.fencing, '0', '-1'),
    ])
    const gone = fenced.map((life) => life.slice(0, life.lastIndexOf('-')))
    const ids = [...new Set([...live, ...gone])]
    const nodes: NodeExplanation[] = []
    for (let i = 0; i < ids.length; i += BATCH)
      nodes.push(
        ...(await Promise.all(ids.slice(i, i + BATCH).map((id) => look(deps, id, choice)))),
      )
    return {
      pairs: choice.pairs,
      chosen: choice.chosen?.node ?? null,
      waiting: choice.waiting,
      nodes: nodes.toSorted(byVerdict),
    }
  }
}

async function look(
  { control, keys }: ExplainDeps,
  id: string,
  choice: Explained,
): Promise<NodeExplanation> {
  const node = nodeId(id)
  const [state, life, profile, served, capacity, paceMs] = await control.hmget(
    keys.node(node),
    ...['state', 'incarnation', 'profile', 'pairs', 'capacity', 'paceMs'],
  )
  const [held, score, unable] = await Promise.all([
    heldBy({ control, keys }, life ? { node, incarnation: incarnation(life) } : undefined),
    control.zscore(keys.profile(profile ?? ''), id),
    control.exists(choice.pairs.map((pair) => keys.unable(node, pair))),
  ])
  const offers = new Set(served?.split(' '))
  const out: readonly [Verdict, boolean][] = [
    ['gone', !state || state === 'gone'],
    ['warming', state === 'warming'],
    ['draining', state === 'draining'],
    ['other_pair', !choice.pairs.every((pair) => offers.has(pair))],
    ['full', held >= 3 * Number(capacity)],
    ['unable', unable > 0],
  ]
  const why = out.find(([, is]) => is)?.[0]
  const shown = { node: id, held, capacity: Number(capacity) }
  if (why) return { ...shown, verdict: why }
  const rank = Number(score)
  // As the scripts have it: a rank counts half an utterance more than there is.
  const waitMs = Math.max(0, Math.round(rank - Number(paceMs) / 2 / Number(capacity)))
  return { ...shown, verdict: compare(id, rank, choice.chosen), waitMs }
}

const heldBy = async (
  { control, keys }: Pick<ExplainDeps, 'control' | 'keys'>,
  life: Life | undefined,
): Promise<number> => (life ? control.zcard(keys.slots(life.node, life.incarnation)) : 0)

function compare(id: string, rank: number, chosen: Explained['chosen']): Verdict {
  if (!chosen) return 'behind'
  if (id === chosen.node) return 'chosen'
  return rank > chosen.rank ? 'longer_wait' : 'equal'
}

const byVerdict = (a: NodeExplanation, b: NodeExplanation): number =>
  VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) ||
  (a.waitMs ?? 0) - (b.waitMs ?? 0) ||
  a.node.localeCompare(b.node)
