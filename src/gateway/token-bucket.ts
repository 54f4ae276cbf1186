export interface BucketOptions {
  /** What it holds at most, and at first. */
  readonly burst: number
  /** What flows in with every ms. */
  readonly perMs: number
  /** Instant of its making, ms. */
  readonly now: number
}

/** In any span of time it gives out no more than its burst and what flows in meanwhile. */
export class TokenBucket {
  readonly #burst: number
  readonly #perMs: number
  #level: number
  #at: number

  constructor({ burst, perMs, now }: BucketOptions) {
    this.#burst = burst
    this.#perMs = perMs
    this.#level = burst
    this.#at = now
  }

  /** How full it is, 0 to 1. */
  fill(now: number): number {
    this.#flow(now)
    return this.#level / this.#burst
  }

  /** Takes so much if it is there. */
  take(amount: number, now: number): boolean {
    this.#flow(now)
    if (amount > this.#level) return false
    this.#level -= amount
    return true
  }

  /** When so much is there, ms from now. More than the burst never is: the burst is waited for. */
  waitMs(amount: number, now: number): number {
    this.#flow(now)
    const missing = Math.min(amount, this.#burst) - this.#level
    return Math.max(0, Math.ceil(missing / this.#perMs))
  }

  #flow(now: number): void {
    const passed = Math.max(0, now - this.#at)
    this.#level = Math.min(this.#burst, this.#level + passed * this.#perMs)
    this.#at = Math.max(this.#at, now)
  }
}
