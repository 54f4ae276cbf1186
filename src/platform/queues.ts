import { Queue, type DefaultJobOptions } from 'bullmq'
import type { Redis } from 'ioredis'
import { UTTERANCES, type ChildJob, type UtteranceJob } from '../protocol/jobs.ts'
import { systemClock } from './clock.ts'
import { LIMITS } from './limits.ts'
import type { Log } from './log.ts'

/** Job data is JSON and copied many times: bytes go by key. */
const SIZE_LIMIT = 4096

/** A parent ends by its deadline, not by a counter: whatever throws is tried again. */
const PARENT: DefaultJobOptions = {
  attempts: 1_000_000,
  backoff: { type: 'fixed', delay: 200 },
  removeOnComplete: { age: LIMITS.finishedJobLifeMs / 1000, count: 50_000 },
  removeOnFail: { age: LIMITS.finishedJobLifeMs / 1000, count: 50_000 },
  sizeLimit: SIZE_LIMIT,
}

/** A failed child wakes its parent and is kept for a few minutes, so that flow trees stay readable. */
const CHILD: DefaultJobOptions = {
  attempts: 1,
  removeOnComplete: { age: 300, count: 200 },
  removeOnFail: { age: 300, count: 200 },
  sizeLimit: SIZE_LIMIT,
}

/** A node's queue that was not used for so long is closed: its life is over, or it opens again in no time. */
const IDLE_MS = 600_000

export interface Queues {
  readonly utterances: Queue<UtteranceJob>
  /** The queue of one life of a node; opening it leaves no trace, so that a dead one stays dead. */
  node(name: string): Queue<ChildJob>
  forget(name: string): Promise<void>
  close(): Promise<void>
}

/** The producers' side of every queue, over one shared connection. */
export function openQueues(connection: Redis, prefix: string, log: Log): Queues {
  const nodes = new Map<string, { readonly queue: Queue<ChildJob>; usedAt: number }>()
  const note = (error: unknown): void => log.debug({ err: error }, 'queue connection')
  const utterances = new Queue<UtteranceJob>(UTTERANCES, {
    connection,
    prefix,
    defaultJobOptions: PARENT,
    streams: { events: { maxLen: 1000 } },
  })
  utterances.on('error', note)
  const openNode = (name: string): Queue<ChildJob> => {
    const queue = new Queue<ChildJob>(name, {
      connection,
      prefix,
      defaultJobOptions: CHILD,
      skipMetasUpdate: true,
      skipVersionCheck: true,
    })
    queue.on('error', note)
    return queue
  }
  const forget = async (name: string): Promise<void> => {
    const known = nodes.get(name)
    nodes.delete(name)
    await known?.queue.close()
  }
  return {
    utterances,
    node(name) {
      const now = systemClock.now()
      const known = nodes.get(name)?.queue
      // Last in line is the one used last.
      nodes.delete(name)
      const queue = known ?? openNode(name)
      nodes.set(name, { queue, usedAt: now })
      for (const [oldest, { usedAt }] of nodes) {
        if (now - usedAt < IDLE_MS) break
        forget(oldest).catch(note)
      }
      return queue
    },
    forget,
    async close() {
      const opened = [...nodes.values()].map(({ queue }) => queue)
      await Promise.all([utterances, ...opened].map((queue) => queue.close()))
    },
  }
}
