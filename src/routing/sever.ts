import type { Redis } from 'ioredis'
import { ORDER_LIFE_MS } from '../../lua/fleet.ts'
import { nodeQueue, type Keys } from '../../lua/keys.ts'
import type { Queues } from '../platform/queues.ts'
import {
  attemptId,
  childId,
  type AttemptId,
  type Incarnation,
  type JobId,
  type NodeId,
} from '../protocol/ids.ts'

export interface SeverDeps {
  readonly control: Redis
  readonly keys: Keys
  readonly queues: Queues
}

export interface Severing {
  /** Cuts a child loose: whatever it still does, its parent goes on without it. Repeats are harmless. */
  child(job: JobId, key: string): Promise<void>
  /** Cuts a running attempt loose and orders its node to stop. */
  attempt(job: JobId, at: { n: number; node: NodeId; incarnation: Incarnation }): Promise<void>
}

/** BullMQ's own fencing of results: a severed child cannot get in. */
export function createSevering({ control, keys, queues }: SeverDeps): Severing {
  const { prefix } = keys
  const cut = async (job: JobId, queueName: string, child: AttemptId): Promise<void> => {
    const queue = queues.node(queueName)
    await queue.getBackend().removeChildDependency(child, keys.parent(job)).catch(ignoreGone)
    await queue.remove(child)
  }
  return {
    async child(job, key) {
      const { queueName, id } = parseChildKey(prefix, key)
      await cut(job, queueName, id)
    },
    async attempt(job, { n, node, incarnation }) {
      const child = attemptId(job, n)
      const orders = keys.orders(node, incarnation)
      await control
        .multi()
        .rpush(orders, `abort ${child}`)
        .pexpire(orders, ORDER_LIFE_MS)
        .publish(keys.nodeOrders(node), `abort ${child}`)
        .exec()
      await cut(job, nodeQueue(node, incarnation), child)
    },
  }
}

const MISSING_JOB = -1
const MISSING_PARENT = -5

/** Another watch, or the child's own end, was faster. */
function ignoreGone(error: unknown): void {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code !== MISSING_JOB && code !== MISSING_PARENT) throw error
}

/** The queue and the id in a child's key: `<prefix>:<queue>:<id>`. */
function parseChildKey(prefix: string, key: string): { queueName: string; id: AttemptId } {
  const [queueName = '', id = ''] = key.slice(prefix.length + 1).split(':')
  return { queueName, id: childId(id) }
}
