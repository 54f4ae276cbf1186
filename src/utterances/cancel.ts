import type { Redis } from 'ioredis'
import type { Keys } from '../../lua/keys.ts'
import type { Completion } from '../completion/completion.ts'
import { ERROR_CODES } from '../protocol/codes.ts'
import type { Finalized } from '../protocol/events.ts'
import { incarnation, jobId, nodeId, type SessionId } from '../protocol/ids.ts'
import type { Severing } from '../routing/sever.ts'

/** Settles first; only if that wins is the work cut loose and its node told to stop. */
export function createCancel(deps: {
  readonly control: Redis
  readonly keys: Keys
  readonly completion: Completion
  readonly severing: Severing
}): (session: { readonly id: SessionId }, utterance: Finalized) => Promise<boolean> {
  const { control, keys, completion, severing } = deps
  return async ({ id }, { index, startMs, durationMs }) => {
    const job = jobId(id, index)
    const [n, node, life] = await control.hmget(keys.attempt(job), 'n', 'node', 'incarnation')
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
    if (n && node && life)
      await severing.attempt(job, {
        n: Number(n),
        node: nodeId(node),
        incarnation: incarnation(life),
      })
    return true
  }
}
