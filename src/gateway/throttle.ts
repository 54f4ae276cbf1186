import { LIMITS } from '../platform/limits.ts'
import { TokenBucket } from './token-bucket.ts'

/** What a session may send, measured in ms of audio by the clock of the server. */
export class Throttle {
  readonly #audio: TokenBucket
  /** What comes in spite of refusals draws from this one. */
  readonly #patience: TokenBucket
  /** Chunks before it have been paid for: sent again they are free. */
  #paid: number
  #isLow = false

  constructor(nextChunk: number, now: number) {
    this.#paid = nextChunk
    const perMs = LIMITS.audioRate
    this.#audio = new TokenBucket({ burst: LIMITS.burstMs, perMs, now })
    this.#patience = new TokenBucket({ burst: LIMITS.excessMs, perMs, now })
  }

  /** How long the client has to wait before it sends this chunk; 0 if it is let through, and paid for. */
  admit(chunk: number, audioMs: number, now: number): number {
    if (chunk < this.#paid) return 0
    if (!this.#audio.take(audioMs, now))
      return this.#audio.waitMs(Math.max(audioMs, LIMITS.refusedWorthMs), now)
    this.#paid = chunk + 1
    return 0
  }

  /** Audio came in spite of a refusal, or again without need; false if that was too much of it. */
  bears(audioMs: number, now: number): boolean {
    return this.#patience.take(audioMs, now)
  }

  /** Whether more came in spite of refusals than was on its way when they were told. */
  isTried(now: number): boolean {
    return this.#patience.fill(now) < 3 / 4
  }

  /** Whether little of the burst is left; once it was, until there is half of it again. */
  isLow(now: number): boolean {
    this.#isLow = this.#audio.fill(now) < (this.#isLow ? 1 / 2 : 1 / 3)
    return this.#isLow
  }
}
