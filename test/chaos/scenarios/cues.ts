import { Redis } from 'ioredis'
import type { Member, Strike } from '../member.ts'
import type { Stage } from '../stage.ts'
import { openTalk, type Talk } from '../talk.ts'

/** What directed scenarios are told with: who is struck where, and who says what. */
const DONE_MS = 45_000

export const stopAt = (point: Omit<Strike, 'nth' | 'signal'>): Strike => ({
  ...point,
  nth: 1,
  signal: 'SIGSTOP',
})

export const dieAt = (point: Omit<Strike, 'nth' | 'signal'>): Strike => ({
  ...stopAt(point),
  signal: 'SIGKILL',
})

/** The members of a stage by their numbers, from 1. */
export function castOf(stage: Stage) {
  const nth = <T>(all: readonly T[], n: number): T => {
    const found = all[n - 1]
    if (found === undefined) throw new Error(`there is no number ${n} on this stage`)
    return found
  }
  return {
    scheduler: (n: number): Member => nth(stage.schedulers, n),
    node: (n: number): Member => nth(stage.nodes, n),
    /** Clients of this gateway must go elsewhere, now and later. */
    closeGateway: (n: number): void => {
      nth(stage.proxies, n).lead(undefined)
      nth(stage.proxies, n).cut(() => true)
    },
  }
}

export const talkOn = ({ urls, history }: Stage, client: string): Promise<Talk> =>
  openTalk({ urls, history, client })

/** Waits for all that was said and closes. */
export async function finish(talk: Talk): Promise<void> {
  await talk.quiet(DONE_MS)
  await talk.close()
}

export async function withRedis<T>(
  { redis }: Stage,
  work: (redis: Redis) => Promise<T>,
): Promise<T> {
  const connection = new Redis(redis.url)
  try {
    return await work(connection)
  } finally {
    connection.disconnect()
  }
}
