import type { Redis } from 'ioredis'
import type { Keys } from '../../lua/keys.ts'
import type { SessionId } from '../protocol/ids.ts'
import type { Put } from '../protocol/news.ts'
import type { OutboxEntry, StoredOutcome } from './outcome.ts'

/** Ordered results of a session that nobody has acknowledged yet. */
export interface Outbox {
  /** At most `count` entries behind `seq`, in order. */
  read(session: SessionId, seq: number, count: number): Promise<OutboxEntry[]>
  length(session: SessionId): Promise<number>
  /** Drops everything up to and with `seq`. */
  ack(session: SessionId, seq: number): Promise<void>
  /** Whether the outcome of an index has left for the outbox already. */
  released(session: SessionId, index: number): Promise<boolean>
  /** Which of these indices have their outcome. */
  settled(session: SessionId, indices: readonly number[]): Promise<ReadonlySet<number>>
}

/** Reads and trims outboxes; only the settling scripts write them. */
export function createOutbox(redis: Redis, keys: Keys): Outbox {
  return {
    async read(session, seq, count) {
      const rows = await redis.xrange(keys.outbox(session), `(${seq}-0`, '+', 'COUNT', count)
      return rows.map(([id, fields]) => parseEntry(id, fields))
    },
    length: (session) => redis.xlen(keys.outbox(session)),
    async ack(session, seq) {
      await redis.xtrim(keys.outbox(session), 'MINID', `${seq + 1}-0`)
    },
    async released(session, index) {
      return (await redis.hget(keys.outcomes(session), String(index))) === ''
    },
    async settled(session, indices) {
      if (indices.length === 0) return new Set()
      const outcomes = await redis.hmget(keys.outcomes(session), ...indices.map(String))
      return new Set(indices.filter((_, i) => outcomes[i] !== null))
    },
  }
}

function parseEntry(id: string, fields: readonly string[]): OutboxEntry {
  const value = (name: string): string | undefined => {
    const at = fields.indexOf(name)
    return at < 0 ? undefined : fields[at + 1]
  }
  const seq = Number(id.split('-')[0])
  const index = Number(value('index'))
  const outcome = value('outcome')
  if (outcome === undefined) return { kind: 'gap', seq, index }
  return entryOf({ seq, index, late: value('late') === '1', outcome })
}

/** The entry of an outcome that was put into an outbox. */
export function entryOf({ seq, index, late, outcome }: Put): OutboxEntry {
  const stored: StoredOutcome = JSON.parse(outcome)
  return { kind: 'final', seq, index, late, stored }
}
