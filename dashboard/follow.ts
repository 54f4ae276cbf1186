import type { Redis } from 'ioredis'
import type { Keys } from '../lua/keys.ts'
import type { Log } from '../src/platform/log.ts'
import { readFleet, type Fleet } from './fleet.ts'

const REFRESH_MS = 2000

/** The fleet as it was read last and, if nothing newer can be read, why. */
export interface FleetState {
  readonly fleet: Fleet | undefined
  readonly fault: string | undefined
}

export interface FollowDeps {
  readonly redis: Redis
  readonly keys: Keys
  readonly log: Log
  /** Called after each reading with the queues of all nodes. */
  readonly show: (queues: readonly string[]) => Promise<void>
}

export interface Follower {
  state(): FleetState
  /** Reads now. Never rejects: a fault becomes part of the state. */
  refresh(): Promise<void>
  /** Resolves after the first reading; then reads 2 s after the last. */
  start(): Promise<void>
  /** Resolves when nothing is being read any more. */
  stop(): Promise<void>
}

/** Keeps an eye on the fleet, through any outage of Redis. */
export function followFleet({ redis, keys, log, show }: FollowDeps): Follower {
  let state: FleetState = { fleet: undefined, fault: undefined }
  let reading = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  const read = async (): Promise<void> => {
    if (isStopped) return
    try {
      const fleet = await readFleet(redis, keys)
      await show(fleet.nodes.map(({ queue }) => queue))
      if (state.fault !== undefined) log.info('redis is back')
      state = { fleet, fault: undefined }
    } catch (error) {
      if (state.fault === undefined) log.warn({ err: error }, 'redis is away')
      state = { ...state, fault: error instanceof Error ? error.message : String(error) }
    }
  }
  const refresh = (): Promise<void> => (reading = reading.then(read))
  const keepReading = async (): Promise<void> => {
    await refresh()
    if (!isStopped) timer = setTimeout(() => void keepReading(), REFRESH_MS)
  }
  return {
    state: () => state,
    refresh,
    start: keepReading,
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await reading
    },
  }
}
