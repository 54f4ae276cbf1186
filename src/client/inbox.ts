import type { Result } from '../protocol/events.ts'

/** What of a session's results was seen, so that each is surfaced once however often it comes. */
export class Inbox {
  #lastSeq = 0
  #lastIndex = -1
  /** Every index below it has its final result; those above that have theirs are in the set. */
  #floor = 0
  readonly #settled = new Set<number>()
  /** Indices whose marker was taken and whose final result was not. */
  readonly #gaps = new Set<number>()

  /** The last sequence number taken: what is acknowledged. 0 means none. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  /** The highest index heard of. -1 means none. */
  get lastIndex(): number {
    return this.#lastIndex
  }

  /** Takes note that the server has given out this index. */
  heardOf(index: number): void {
    this.#lastIndex = Math.max(this.#lastIndex, index)
  }

  /**
   * True if this result is to be surfaced: neither its `seq` nor a final result of its index was, nor,
   * where it is a marker, another one of its index.
   */
  take(result: Result): boolean {
    if (result.seq <= this.#lastSeq) return false
    this.#lastSeq = result.seq
    this.heardOf(result.index)
    const { index } = result
    if (index < this.#floor || this.#settled.has(index)) return false
    if (result.kind === 'gap') return this.#marks(index)
    this.#gaps.delete(index)
    this.#settled.add(index)
    while (this.#settled.delete(this.#floor)) this.#floor += 1
    return true
  }

  #marks(index: number): boolean {
    const isNew = !this.#gaps.has(index)
    this.#gaps.add(index)
    return isNew
  }
}
