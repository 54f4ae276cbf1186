import type { Job } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Keys } from '../../lua/keys.ts'
import type { UtteranceJob } from '../protocol/jobs.ts'
import { parseChildKey } from '../routing/sever.ts'
import {
  attemptId,
  incarnation,
  jobId,
  nodeId,
  sessionId,
  type Incarnation,
  type NodeId,
} from '../protocol/ids.ts'

/** What a parent finds when its processor is entered. */
export interface Entry {
  /** The current attempt, 0 before the first. */
  readonly n: number
  readonly at: { readonly node: NodeId; readonly incarnation: Incarnation } | undefined
  /** What became of the current attempt's child. */
  readonly child:
    | { readonly kind: 'returned'; readonly value: unknown }
    | { readonly kind: 'failed'; readonly message: string }
    | { readonly kind: 'pending' }
    | { readonly kind: 'none' }
  /** Keys of children that still hang on the parent and are not the current attempt's. */
  readonly strays: readonly string[]
}

export const FIRST_ENTRY: Entry = { n: 0, at: undefined, child: { kind: 'none' }, strays: [] }

/** Reads the attempt record and the parent's dependencies in one trip. */
export async function readEntry(job: Job<UtteranceJob>, redis: Redis, keys: Keys): Promise<Entry> {
  const id = jobId(sessionId(job.data.sessionId), job.data.index)
  const [record, dependencies] = await Promise.all([
    redis.hmget(keys.attempt(id), 'n', 'node', 'incarnation', 'open'),
    job.getDependencies(),
  ])
  const [n, node, life, open] = record
  const { processed = {}, ignored = {}, unprocessed = [] } = dependencies
  const child = attemptId(id, Number(n ?? 0))
  const isCurrent = (key: string): boolean => parseChildKey(keys.prefix, key).id === child
  const find = (values: object): [string, unknown] | undefined =>
    Object.entries(values).find(([key]) => isCurrent(key))
  return {
    n: Number(n ?? 0),
    at: node && life ? { node: nodeId(node), incarnation: incarnation(life) } : undefined,
    child:
      open === '1' ? childOf(find(processed), find(ignored), unprocessed.some(isCurrent)) : NONE,
    strays: unprocessed.filter((key) => !isCurrent(key)),
  }
}

const NONE = { kind: 'none' } as const

function childOf(
  returned: [string, unknown] | undefined,
  failed: [string, unknown] | undefined,
  pending: boolean,
): Entry['child'] {
  if (returned) return { kind: 'returned', value: returned[1] }
  if (failed) return { kind: 'failed', message: String(failed[1]) }
  return pending ? { kind: 'pending' } : NONE
}
