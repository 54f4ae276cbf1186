import type { Clock } from './clock.ts'
import type { Service } from './lifecycle.ts'

const BEAT_MS = 250
/** A block is remembered for so long, so that a probe that comes less often sees it too. */
const REMEMBERED_MS = 10_000

export interface Pulse extends Service {
  /** For how long the event loop has not turned: now, or at worst of late. */
  readonly blockedMs: number
}

/** Beats on a timer: what is late tells for how long nothing else was done either. */
export function createPulse(clock: Clock): Pulse {
  let beatAt = clock.now()
  let worst = { ms: 0, endedAt: -Infinity }
  let timer: NodeJS.Timeout | undefined
  const lateMs = (): number => Math.max(0, clock.now() - beatAt - BEAT_MS)
  const beat = (): void => {
    const ms = lateMs()
    const now = clock.now()
    beatAt = now
    if (ms >= worst.ms || now - worst.endedAt > REMEMBERED_MS) worst = { ms, endedAt: now }
  }
  return {
    name: 'pulse',
    get blockedMs() {
      const isFresh = clock.now() - worst.endedAt <= REMEMBERED_MS
      // A block that has just ended is seen here before the timer sees it.
      return Math.max(lateMs(), isFresh ? worst.ms : 0)
    },
    async start() {
      beatAt = clock.now()
      timer = setInterval(beat, BEAT_MS)
    },
    async stop() {
      clearInterval(timer)
    },
  }
}
