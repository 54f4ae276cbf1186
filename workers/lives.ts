import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../src/platform/log.ts'
import { whenAborted, type NodeLife } from './life.ts'

/** The lives of one node: whenever one is superseded the next begins, until the node is stopped. */
export interface Lives {
  /** The life of now; undefined while one begins. */
  readonly current: NodeLife | undefined
  /** Ends the life of now, or the one that is about to begin, and begins no other. */
  stop(deadline: AbortSignal): Promise<void>
}

const RETRY_MS = 250

/** Begins the first life; throws if that cannot be. Later ones are tried until they can. */
export async function startLives(
  begin: (superseded: () => void) => Promise<NodeLife>,
  log: Log,
): Promise<Lives> {
  let current: NodeLife | undefined
  let stopping: Promise<void> | undefined
  let latest: Promise<NodeLife>
  const enter = async (): Promise<NodeLife> => {
    const life = await begin(() => {
      latest = latest.then(renew)
    })
    log.info({ node: life.node, incarnation: life.incarnation }, 'registered')
    current = life
    return life
  }
  const renew = async (was: NodeLife): Promise<NodeLife> => {
    log.warn({ node: was.node, incarnation: was.incarnation }, 'fenced: a new life begins')
    current = undefined
    await was.abandon()
    for (;;) {
      if (stopping) return was
      try {
        return await enter()
      } catch (error) {
        log.debug({ err: error, node: was.node }, 'no new life yet')
        await pause(RETRY_MS)
      }
    }
  }
  const end = async (deadline: AbortSignal): Promise<void> => {
    const last = await Promise.race([latest, whenAborted(deadline)])
    await last?.stop(deadline)
  }
  latest = enter()
  // The first may be over before it is used.
  for (let seen; seen !== latest;) await (seen = latest)
  return {
    get current() {
      return current
    },
    stop: (deadline) => (stopping ??= end(deadline)),
  }
}
