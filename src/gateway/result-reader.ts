import type { Result } from '../protocol/events.ts'
import type { SessionId } from '../protocol/ids.ts'
import type { Put } from '../protocol/news.ts'

/** What the gateway needs of the outbox: results in order, and where their speech lies. */
export interface Results {
  /** Most results that one read answers. */
  readonly batch: number
  /** At most a batch of results behind `seq`, in order; what was `put` is there already. */
  read(
    session: SessionId,
    seq: number,
    put?: Put,
  ): Promise<readonly { readonly result: Result; readonly speech: string | undefined }[]>
  /** Drops what the client has acknowledged, and its speech. */
  ack(session: SessionId, seq: number, speech: readonly string[]): Promise<void>
  /** How many wait for their acknowledgement. */
  waiting(session: SessionId): Promise<number>
  /** Whether the outcome of an index has been put out already. */
  released(session: SessionId, index: number): Promise<boolean>
}

/**
 * The one reader of a session's outbox: emits by rising `seq`, each once on this connection. Where the
 * emit answers a promise, the client is slow and the rest stays in Redis until it resolves.
 */
export class ResultReader {
  readonly #results: Results
  readonly #session: SessionId
  readonly #emit: (result: Result) => Promise<void> | undefined
  #seq: number
  /** Speech that was emitted and not acknowledged, oldest first. */
  #speech: { readonly seq: number; readonly key: string }[] = []
  #wanted = false
  #reading: Promise<void> | undefined

  constructor(
    results: Results,
    from: { session: SessionId; seq: number },
    emit: (result: Result) => Promise<void> | undefined,
  ) {
    this.#results = results
    this.#session = from.session
    this.#seq = from.seq
    this.#emit = emit
  }

  /** The last result that was emitted, here or before. */
  get seq(): number {
    return this.#seq
  }

  /** Reads what there is; resolves when everything that was there at the call has been emitted. */
  wake(put?: Put): Promise<void> {
    this.#wanted = true
    this.#reading ??= this.#drain(put)
    return this.#reading
  }

  /** The client has everything up to and with `seq`. */
  async ack(seq: number): Promise<void> {
    const acked = this.#speech.filter((each) => each.seq <= seq)
    this.#speech = this.#speech.filter((each) => each.seq > seq)
    await this.#results.ack(
      this.#session,
      Math.min(seq, this.#seq),
      acked.map(({ key }) => key),
    )
  }

  async #drain(put: Put | undefined): Promise<void> {
    try {
      while (this.#wanted) {
        this.#wanted = false
        const batch = await this.#results.read(this.#session, this.#seq, put)
        for (const { result, speech } of batch) {
          await this.#emit(result)
          if (speech !== undefined) this.#speech.push({ seq: result.seq, key: speech })
          this.#seq = result.seq
        }
        // What comes behind a batch that is not full wakes by itself.
        if (batch.length >= this.#results.batch) this.#wanted = true
      }
    } finally {
      // In one step with the last look at `wanted`, so that no wake falls in between.
      this.#reading = undefined
    }
  }
}
