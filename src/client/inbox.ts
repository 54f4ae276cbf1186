import type { Result } from '../protocol/events.ts'

/** What of a session's results was seen, so that each is surfaced once however often it comes. */
export class Inbox {
  #lastSeq = 0
  #lastIndex = -1
  /** Every index below it has its final result; those above that have theirs are in the set. */
  #floor = 0
  readonly #settled = new Set<number>()

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

  /** True if this result is to be surfaced: neither its `seq` nor a final result of its index was. */
  take(result: Result): boolean {
    if (result.seq <= this.#lastSeq) return false
    this.#lastSeq = result.seq
    this.heardOf(result.index)
    if (result.kind === 'gap') return true
    if (result.index < this.#floor || this.#settled.has(result.index)) return false
    this.#settled.add(result.index)
    while (this.#settled.delete(this.#floor)) this.#floor += 1
    return true
  }
}
