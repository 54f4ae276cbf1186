import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Member } from '../member.ts'
import type { OwnRedis } from '../redis.ts'
import type { Stage } from '../stage.ts'

/** Repeats a step until the time is over; the last one is finished. */
export async function during(seconds: number, step: () => Promise<void>): Promise<void> {
  const end = Date.now() + seconds * 1000
  while (Date.now() < end) await step()
}

/** Waits a random time. */
export const pauseBetween = ({ chance }: Stage, leastMs: number, mostMs: number): Promise<void> =>
  pause(chance.between(leastMs, mostMs))

const LOOK_MS = 20

/** Waits for a fact; throws if it has not come after `ms`: then the scenario could not be played. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  ms = 20_000,
): Promise<void> {
  const end = Date.now() + ms
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain until ${what}`)
    await pause(LOOK_MS)
  }
}

/** Whether a process is stopped by a signal. */
export function isStopped({ pid }: Member): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')
  } catch {
    return false
  }
}

/** Redis is away while `work` runs; all that waits for it is noted. */
export async function withoutRedis(
  { history }: Stage,
  how: string,
  work: () => Promise<void>,
): Promise<void> {
  history.note({ kind: 'away', how })
  await work()
  history.note({ kind: 'back' })
}

/** Stops Redis for a while. */
export const freezeRedis = (stage: Stage, ms: number): Promise<void> =>
  withoutRedis(stage, `frozen for ${ms} ms`, async () => {
    stage.redis.freeze()
    await pause(ms)
    stage.redis.thaw()
  })

/** Ends Redis, waits, forgets what it wrote last, and starts it again. */
export const restartRedis = (
  stage: Stage,
  redis: OwnRedis,
  {
    signal,
    downMs,
    forgetMs = 0,
  }: { signal: 'SIGKILL' | 'SIGTERM'; downMs: number; forgetMs?: number },
): Promise<void> =>
  withoutRedis(stage, signal, async () => {
    await redis.end(signal)
    await pause(downMs)
    if (forgetMs > 0) {
      await redis.forget(forgetMs)
      stage.history.note({ kind: 'older', ms: forgetMs })
    }
    await redis.start()
  })

/** Starts again whatever has ended, until it is told to stop. */
export async function keepAlive(
  members: readonly Member[],
  { afterMs, stop }: { afterMs: number; stop: AbortSignal },
): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    stop.addEventListener('abort', () => resolve(), { once: true })
  })
  const revive = async (member: Member): Promise<void> => {
    while (!stop.aborted) {
      await Promise.race([member.ended, stopped])
      await pause(afterMs)
      if (!stop.aborted) await member.start().catch(() => {})
    }
  }
  await Promise.all(members.map(revive))
}
