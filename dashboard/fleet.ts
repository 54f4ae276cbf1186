import type { Redis } from 'ioredis'
import { nodeQueue, type Keys } from '../lua/keys.ts'
import { incarnation, nodeId } from '../src/protocol/ids.ts'

/** A node as the fleet's registry has it. */
export interface NodeView {
  readonly id: string
  readonly incarnation: string
  /** The queue of this life of the node. */
  readonly queue: string
  readonly state: string
  readonly capacity: number
  /** Attempts that hold a slot: running and queued. */
  readonly inHand: number
  readonly pairs: readonly string[]
  readonly host: string
  /** Results that came too late to be let in. */
  readonly lateResults: number
  /** Since the last beat, on Redis' clock; undefined before the first. */
  readonly beatAgeMs: number | undefined
}

export interface Fleet {
  readonly nodes: readonly NodeView[]
  readonly sessions: number
}

/** Reads every node that holds a lease, by id. Rejects while Redis is away. */
export async function readFleet(redis: Redis, keys: Keys): Promise<Fleet> {
  const [ids, sessions, time] = await Promise.all([
    redis.zrange(keys.nodes, 0, '-1'),
    redis.zcard(keys.sessions),
    redis.time(),
  ])
  const [seconds = 0, micros = 0] = time.map(Number)
  const now = seconds * 1000 + Math.floor(micros / 1000)
  const views = await Promise.all(ids.toSorted().map((id) => readNode({ redis, keys, id, now })))
  return { nodes: views.filter((view) => view !== undefined), sessions }
}

interface NodeQuestion {
  readonly redis: Redis
  readonly keys: Keys
  readonly id: string
  readonly now: number
}

async function readNode({ redis, keys, id, now }: NodeQuestion): Promise<NodeView | undefined> {
  const node = nodeId(id)
  const [life, state, capacity, pairs, host, beatAt, late] = await redis.hmget(
    keys.node(node),
    ...['incarnation', 'state', 'capacity', 'pairs', 'host', 'beatAt', 'lateResults'],
  )
  if (!life) return undefined
  return {
    id,
    incarnation: life,
    queue: nodeQueue(node, incarnation(life)),
    state: state ?? 'unknown',
    capacity: Number(capacity ?? 0),
    inHand: await redis.zcard(keys.slots(node, incarnation(life))),
    pairs: (pairs ?? '').split(' ').filter((pair) => pair !== ''),
    host: host ?? '',
    lateResults: Number(late ?? 0),
    beatAgeMs: beatAt ? Math.max(0, now - Number(beatAt)) : undefined,
  }
}
