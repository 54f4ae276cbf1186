import { Queue, type DefaultJobOptions } from 'bullmq'
import type { Redis } from 'ioredis'
import { UTTERANCES, type ChildJob, type UtteranceJob } from '../protocol/jobs.ts'
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

export interface Queues {
  readonly utterances: Queue<UtteranceJob>
  /** The queue of one life of a node; opening it leaves no trace, so that a dead one stays dead. */
  node(name: string): Queue<ChildJob>
  forget(name: string): Promise<void>
  close(): Promise<void>
}

/** The producers' side of every queue, over one shared connection. */
export function openQueues(connection: Redis, prefix: string, log: Log): Queues {
  const nodes = new Map<string, Queue<ChildJob>>()
  const note = (error: Error): void => log.debug({ err: error }, 'queue connection')
  const utterances = new Queue<UtteranceJob>(UTTERANCES, {
    connection,
    prefix,
    defaultJobOptions: PARENT,
    streams: { events: { maxLen: 1000 } },
  })
  utterances.on('error', note)
  return {
    utterances,
    node(name) {
      const known = nodes.get(name)
      if (known) return known
      const queue = new Queue<ChildJob>(name, {
        connection,
        prefix,
        defaultJobOptions: CHILD,
        skipMetasUpdate: true,
        skipVersionCheck: true,
      })
      queue.on('error', note)
      nodes.set(name, queue)
      return queue
    },
    async forget(name) {
      await nodes.get(name)?.close()
      nodes.delete(name)
    },
    async close() {
      await Promise.all([utterances, ...nodes.values()].map((queue) => queue.close()))
    },
  }
}
