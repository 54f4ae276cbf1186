import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../platform/log.ts'
import type { Session } from '../session/session.ts'
import type { LiveSession } from './live-session.ts'
import type { ClientSocket } from './wire.ts'

export interface ReconcileDeps {
  readonly restore: (session: Session) => Promise<boolean>
  readonly log: Log
}

const AGAIN_MS = 250
/** Sessions that are written down at once. */
const AT_ONCE = 32

/**
 * What becomes of a session when Redis may have come back older, as nobody can tell from outside:
 *
 *   held -> let go -> what this gateway knows is written down -> client sent to resume -> gone
 *
 * The resume does the rest, on this gateway or another, from what both planes and the client know. Where
 * nothing was lost all of it changes nothing.
 */
export function createReconcile({
  restore,
  log,
}: ReconcileDeps): (live: LiveSession, socket: ClientSocket) => void {
  const waiting: (() => Promise<void>)[] = []
  let running = 0
  /** As long as its client waits for it: Redis may be away once more. */
  const writeDown = async (session: Session, socket: ClientSocket): Promise<boolean> => {
    for (;;) {
      try {
        return await restore(session)
      } catch (error) {
        log.debug({ err: error, session: session.id }, 'session not written down yet')
        if (socket.disconnected) return false
        await pause(AGAIN_MS)
      }
    }
  }
  const next = (): void => {
    const work = running < AT_ONCE ? waiting.shift() : undefined
    if (!work) return
    running += 1
    void work().finally(() => {
      running -= 1
      next()
    })
  }
  return (live, socket) => {
    const { session } = live
    live.end()
    waiting.push(async () => {
      const isOurs = await writeDown(session, socket)
      log.info({ session: session.id, isOurs }, 'session reconciled')
      if (isOurs) socket.emit('session.goaway', { graceMs: 0 })
      else socket.emit('session.superseded', {})
      socket.disconnect()
    })
    next()
  }
}
