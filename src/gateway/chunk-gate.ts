/** What to do with a chunk that arrived: store it, tell the client of a hole, or nothing. */
export type Admission = 'store' | 'tell' | 'ignore'

/**
 * Numbers chunks of one connection. A refused chunk refuses all behind it: that is told once, and the
 * client sends again from the expected one.
 */
export class ChunkGate {
  #next: number
  #refusing = false

  constructor(next: number) {
    this.#next = next
  }

  /** The number that would be stored next. */
  get expected(): number {
    return this.#next
  }

  admit(chunk: number): Admission {
    if (chunk === this.#next) {
      this.#refusing = false
      this.#next = chunk + 1
      return 'store'
    }
    if (chunk < this.#next || this.#refusing) return 'ignore'
    this.#refusing = true
    return 'tell'
  }

  /** A chunk that was admitted could not be stored. Says whether the client is still to be told. */
  refuse(chunk: number): boolean {
    if (chunk >= this.#next) return false
    this.#next = chunk
    this.#refusing = true
    return true
  }
}
