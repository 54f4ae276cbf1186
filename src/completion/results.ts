import type { AudioStore } from '../platform/audio.ts'
import type { Log } from '../platform/log.ts'
import type { Result } from '../protocol/events.ts'
import type { SessionId } from '../protocol/ids.ts'
import type { Put } from '../protocol/news.ts'
import { entryOf, type Outbox } from './outbox.ts'
import { speechOf, toResult, type OutboxEntry } from './outcome.ts'

/** A result, and where its speech lies until it is acknowledged. */
export interface Delivery {
  readonly result: Result
  readonly speech: string | undefined
}

export interface Results {
  /** Most results that one read answers. */
  readonly batch: number
  /**
   * At most a batch of results behind `seq`, in order, with their speech: what was `put` if that comes next,
   * without asking Redis again.
   */
  read(session: SessionId, seq: number, put?: Put): Promise<readonly Delivery[]>
  /** Drops what the client has acknowledged, and the speech that lies at `speech`. */
  ack(session: SessionId, seq: number, speech: readonly string[]): Promise<void>
  waiting(session: SessionId): Promise<number>
  released(session: SessionId, index: number): Promise<boolean>
}

const BATCH = 50

/** Results as the wire has them: outbox entries with their speech bytes from the audio plane. */
export function createResults(deps: {
  readonly outbox: Outbox
  readonly audio: AudioStore
  readonly log: Log
}): Results {
  const { outbox, audio, log } = deps
  const complete = async (entry: OutboxEntry): Promise<Delivery> => {
    const speech = speechOf(entry)
    const bytes = speech && (await audio.readSpeech(speech).catch(() => undefined))
    return { result: toResult(entry, bytes), speech: speech?.key }
  }
  return {
    batch: BATCH,
    async read(session, seq, put) {
      const isNext = put?.seq === seq + 1
      const entries = isNext ? [entryOf(put)] : await outbox.read(session, seq, BATCH)
      return Promise.all(entries.map(complete))
    },
    async ack(session, seq, speech) {
      await outbox.ack(session, seq)
      audio
        .dropSpeech(speech)
        .catch((error: unknown) => log.debug({ err: error, session }, 'speech left to expire'))
    },
    waiting: (session) => outbox.length(session),
    released: (session, index) => outbox.released(session, index),
  }
}
