import { Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Log } from '../platform/log.ts'
import { UTTERANCES, type UtteranceJob } from '../protocol/jobs.ts'
import type { createProcessor } from './processor.ts'

export interface UtterancesWorker {
  start(): Promise<void>
  /** Takes nothing new, finishes what is in hand; once `deadline` aborts, lets another scheduler have it. */
  stop(deadline: AbortSignal): Promise<void>
}

/** One scheduler's share of `utterances`. A parent is in hand for milliseconds; its waiting costs nothing. */
export function createUtterancesWorker(deps: {
  readonly connection: Redis
  readonly prefix: string
  readonly processor: ReturnType<typeof createProcessor>
  readonly log: Log
}): UtterancesWorker {
  const worker = new Worker<UtteranceJob>(UTTERANCES, deps.processor, {
    connection: deps.connection,
    prefix: deps.prefix,
    autorun: false,
    concurrency: 200,
    lockDuration: 5000,
    lockRenewTime: 1000,
    stalledInterval: 1000,
    maxStalledCount: 1_000_000,
    drainDelay: 1,
    runRetryDelay: 500,
  })
  worker.on('error', (error) => deps.log.warn({ err: error }, 'utterances worker'))
  return {
    async start() {
      await worker.waitUntilReady()
      worker
        .run()
        .catch((error: unknown) => deps.log.error({ err: error }, 'utterances worker ended'))
    },
    async stop(deadline) {
      const quiet = worker.close()
      const late = new Promise<void>((resolve) => {
        deadline.addEventListener('abort', () => resolve(), { once: true })
        if (deadline.aborted) resolve()
      })
      await Promise.race([quiet, late])
      if (deadline.aborted) await worker.close(true)
    },
  }
}
