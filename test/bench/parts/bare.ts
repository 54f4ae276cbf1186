import type { Redis } from 'ioredis'
import type { Stage } from '../../../src/protocol/events.ts'

/** Names of the bare way: one slot, as BullMQ's flows need it. */
export const PREFIX = '{bare}'
export const PARENTS = 'utterances'
export const CHILDREN = 'node'
export const PROGRESS = `${PREFIX}:progress`

export interface BareJob {
  readonly id: string
  readonly index: number
  readonly key: string
  readonly bytes: number
}

export interface BareResult {
  readonly transcript: string
  readonly translation: string
}

export interface BareProgress {
  readonly id: string
  readonly index: number
  readonly stage: Stage
}

export const tell = (redis: Redis, progress: BareProgress): Promise<number> =>
  redis.publish(PROGRESS, JSON.stringify(progress))
