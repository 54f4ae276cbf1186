import type { Redis } from 'ioredis'
import type { Keys } from '../../lua/keys.ts'
import type { Completion } from '../completion/completion.ts'
import type { Log } from '../platform/log.ts'
import { ERROR_CODES } from '../protocol/codes.ts'
import type { Finalized } from '../protocol/events.ts'
import { incarnation, jobId, nodeId, type JobId, type SessionId } from '../protocol/ids.ts'
import type { Severing } from '../routing/sever.ts'

/**
 * Settles first; only if that wins is the work cut loose and its node told to stop. Once settled there is
 * no further attempt, so that the one found is the last; where it cannot be cut loose, its next progress
 * or its budget ends it, and whatever it returns counts for nothing.
 */
export function createCancel(deps: {
  readonly control: Redis
  readonly keys: Keys
  readonly completion: Completion
  readonly severing: Severing
  readonly log: Log
}): (session: { readonly id: SessionId }, utterance: Finalized) => Promise<boolean> {
  const { control, keys, completion, severing, log } = deps
  const stop = async (job: JobId): Promise<void> => {
    const [n, node, life] = await control.hmget(keys.attempt(job), 'n', 'node', 'incarnation')
    if (!n || !node || !life) return
    const at = { n: Number(n), node: nodeId(node), incarnation: incarnation(life) }
    await severing.attempt(job, at)
  }
  return async ({ id }, { index, startMs, durationMs }) => {
    const word = await completion.settle({
      session: id,
      index,
      attempt: undefined,
      outcome: {
        outcome: 'cancelled',
        error: { code: 'cancelled', message: ERROR_CODES.cancelled },
        startMs,
        audioMs: durationMs,
      },
    })
    if (word !== 'settled') return false
    const utterance = jobId(id, index)
    await stop(utterance).catch((error: unknown) => {
      log.warn({ err: error, session: id, utterance }, 'cancelled, but not cut loose')
    })
    return true
  }
}
