import { BYTES_PER_SAMPLE } from '../protocol/events.ts'

const CHUNK_MS = 100
const KEPT_ACKED_MS = 3_000
const MAX_UNACKED_MS = 60_000
/** So much may be sent and not acknowledged: a refusal then sends no more than this again. */
const WINDOW_MS = 5_000

export interface Chunk {
  readonly number: number
  readonly bytes: Uint8Array
}

interface Held extends Chunk {
  /** Bytes from the session's first to this chunk's last. */
  readonly end: number
}

/**
 * The audio of a session: framed into chunks numbered from 0, all of an even number of bytes, and
 * held until acknowledged and 3 s longer, because a store may come back older than its promise.
 */
export class Chunks {
  readonly #bytesPerMs: number
  readonly #size: number
  #held: Held[] = []
  #framedBytes = 0
  #ackedBytes = 0
  #next = 0
  #cursor = 0
  #acked = -1
  #isTrying = false
  #tail: Uint8Array
  #tailBytes = 0

  constructor(sampleRate: number) {
    this.#bytesPerMs = (sampleRate * BYTES_PER_SAMPLE) / 1_000
    this.#size = Math.floor((sampleRate * CHUNK_MS) / 1_000) * BYTES_PER_SAMPLE
    this.#tail = new Uint8Array(this.#size)
  }

  /** The number the next framed chunk will have. */
  get next(): number {
    return this.#next
  }

  /** The number of the next chunk to send. */
  get cursor(): number {
    return this.#cursor
  }

  /** The last chunk known to be stored, or -1. */
  get acked(): number {
    return this.#acked
  }

  /** The oldest chunk still held; `next` if none is. */
  get first(): number {
    return this.#next - this.#held.length
  }

  /** True if a sample waits for more audio or for `flush`. */
  get hasTail(): boolean {
    return this.#tailBytes >= BYTES_PER_SAMPLE
  }

  /** True if so many more bytes would make more than 60 s of unacknowledged audio. */
  wouldOverflow(byteLength: number): boolean {
    const unacked = this.#framedBytes + this.#tailBytes - this.#ackedBytes
    return unacked + byteLength > MAX_UNACKED_MS * this.#bytesPerMs
  }

  /** Copies the bytes in and frames every full chunk of 100 ms. */
  append(bytes: Uint8Array): void {
    let from = 0
    while (from < bytes.length) {
      const piece = bytes.subarray(from, from + this.#size - this.#tailBytes)
      this.#tail.set(piece, this.#tailBytes)
      this.#tailBytes += piece.length
      from += piece.length
      if (this.#tailBytes === this.#size) this.flush()
    }
  }

  /** Frames what waits as a shorter chunk; half a sample stays for its other half. */
  flush(): void {
    if (!this.hasTail) return
    const bytes = this.#tail.subarray(0, this.#tailBytes - (this.#tailBytes % BYTES_PER_SAMPLE))
    const rest = this.#tail.subarray(bytes.length, this.#tailBytes)
    this.#framedBytes += bytes.length
    this.#held.push({ number: this.#next, bytes, end: this.#framedBytes })
    this.#next += 1
    this.#tail = new Uint8Array(this.#size)
    this.#tail.set(rest)
    this.#tailBytes = rest.length
  }

  /** The next chunk to send, once; undefined when all are, or so many that an acknowledgement is due. */
  take(): Chunk | undefined {
    const chunk = this.#held[this.#cursor - this.first]
    if (!chunk || chunk.end - this.#ackedBytes > WINDOW_MS * this.#bytesPerMs) return undefined
    if (this.#isTrying && this.#cursor > this.#acked + 1) return undefined
    this.#cursor += 1
    return chunk
  }

  /** The store is away: until it has acknowledged something, one chunk at a time tries whether it is back. */
  tryOne(): void {
    this.#isTrying = true
  }

  /** Every chunk up to this one is stored. An older acknowledgement changes nothing. */
  ack(chunk: number): void {
    if (chunk <= this.#acked) return
    this.#isTrying = false
    this.#settleAcked(Math.min(chunk, this.#next - 1))
  }

  /** Makes `chunk` the next to send, as the server has all before it; false if it is not held. */
  expect(chunk: number): boolean {
    if (chunk < this.first || chunk > this.#next) return false
    this.#cursor = chunk
    this.#settleAcked(chunk - 1)
    return true
  }

  #settleAcked(chunk: number): void {
    this.#acked = chunk
    this.#ackedBytes = this.#endBefore(chunk + 1)
    const needed = this.#ackedBytes - KEPT_ACKED_MS * this.#bytesPerMs
    const firstNeeded = this.#held.findIndex((held) => held.end > needed)
    this.#held.splice(0, firstNeeded === -1 ? this.#held.length : firstNeeded)
  }

  #endBefore(chunk: number): number {
    const following = this.#held[chunk - this.first]
    return following ? following.end - following.bytes.length : this.#framedBytes
  }
}
