import { LIMITS } from '../platform/limits.ts'
import type { Log } from '../platform/log.ts'
import { LinguaError } from '../protocol/codes.ts'
import type { SessionId } from '../protocol/ids.ts'
import { openSession, type SessionDeps, type Taken } from './sessions.ts'

export interface OrphanDeps extends SessionDeps {
  readonly resumeWindowMs: number
  readonly log: Log
}

const NOBODY = { subject: '', tokenHash: '' }

/**
 * Attends a session that nobody attends any more, and is harmless to one that somebody does:
 *
 *   orphan -> (new epoch) -> rest cut, pending cuts added again -> (something pending) -> orphan again in 2 s
 *                                                               -> (nothing pending)  -> closed
 *
 * Each look does all of it anew, so that a process that dies at it leaves nothing undone, and a client that
 * comes back in between has its session with all that was said.
 */
export function createOrphans(deps: OrphanDeps): (session: SessionId) => Promise<void> {
  const { scripts, resumeWindowMs: windowMs, log } = deps
  return async (id) => {
    const taken = await scripts.takeOrphan({ session: id, windowMs, againMs: LIMITS.orphanMs })
    if (taken.kind !== 'taken') return
    const { epoch } = taken
    const request = deps.parseRequest(taken.request)
    try {
      const lastIndex = await finish(deps, { ...taken, id, request, owner: NOBODY })
      if (lastIndex === 'pending') return
      const end = { state: 'closed', reason: 'abandoned', lifeMs: LIMITS.sessionLifeMs } as const
      const word = await scripts.closeSession({ session: id, epoch, lastIndex, ...end })
      if (word === 'closed') log.info({ session: id, lastIndex }, 'orphaned session closed')
    } catch (error) {
      if (!(error instanceof LinguaError)) throw error
      log.debug({ err: error, session: id }, 'orphaned session taken by another')
    }
  }
}

/** Cuts the rest; answers the last index once all there is has its outcome. */
async function finish(deps: OrphanDeps, taken: Taken): Promise<number | undefined | 'pending'> {
  const { session, owes } = await openSession(deps, taken)
  try {
    const { lastIndex } = session
    await session.cutRest('disconnect')
    return owes || session.lastIndex !== lastIndex ? 'pending' : lastIndex
  } finally {
    session.end()
  }
}
