const MOST_CHUNKS = 8
const MOST_MS = 100

/** Cumulative acknowledgements of stored chunks: at most one for every 8 chunks or 100 ms. */
export class AckPacer {
  readonly #emit: (chunk: number) => void
  #stored = -1
  #told = -1
  #timer: NodeJS.Timeout | undefined

  constructor(emit: (chunk: number) => void) {
    this.#emit = emit
  }

  /** Everything up to `chunk` is in Redis. */
  stored(chunk: number): void {
    this.#stored = Math.max(this.#stored, chunk)
    if (this.#stored - this.#told >= MOST_CHUNKS) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), MOST_MS)
  }

  /** Tells what has not been told yet, now. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#stored <= this.#told) return
    this.#told = this.#stored
    this.#emit(this.#told)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
