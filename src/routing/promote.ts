import type { Redis } from 'ioredis'
import type { Keys } from '../../lua/keys.ts'
import type { Queues } from '../platform/queues.ts'
import type { JobId } from '../protocol/ids.ts'

/** Asks parked utterances again, those named and no others. One that is not parked needs no asking. */
export type Promote = (jobs: readonly JobId[]) => Promise<void>

const NOT_PARKED = -3

export function createPromote(deps: {
  readonly control: Redis
  readonly keys: Keys
  readonly queues: Queues
}): Promote {
  const { control, keys, queues } = deps
  const promote = async (job: JobId): Promise<void> => {
    try {
      await queues.utterances.getBackend().promote(job)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code !== NOT_PARKED) throw error
      if ((await control.exists(keys.parent(job))) === 0) await forget(job)
    }
  }
  /** Whoever removed the job from its queue has left it standing in line. */
  const forget = async (job: JobId): Promise<void> => {
    const lists = await control.smembers(keys.waiting)
    for (const list of lists) await control.zrem(keys.waitingFor(list), job)
  }
  return async (jobs) => {
    await Promise.all(jobs.map(promote))
  }
}
