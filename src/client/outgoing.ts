import { LinguaError } from '../protocol/codes.ts'
import type { ServerEvents } from '../protocol/events.ts'
import { Alarms } from './alarms.ts'
import { Chunks } from './chunks.ts'
import type { Wire } from './link.ts'
import { Requests, type Question } from './requests.ts'

const FLUSH_MS = 100
const RETRY_MS = 250

export interface OutgoingDeps {
  readonly sampleRate: number
  /** Called when only a resume can help: on a draining gateway, or one that asks for too much. */
  readonly leave: () => void
}

/**
 * Audio and requests on their way to the server, kept in the order given. They go out whenever a
 * wire is attached and nothing holds them back: a refusal that asks to wait, or backpressure.
 */
export class Outgoing {
  readonly #leave: () => void
  readonly #chunks: Chunks
  readonly #requests = new Requests((error) => this.goBack(error))
  readonly #alarms = new Alarms<'flush' | 'hold' | 'pause'>()
  #wire: Wire | undefined
  #isPaused = false

  constructor({ sampleRate, leave }: OutgoingDeps) {
    this.#chunks = new Chunks(sampleRate)
    this.#leave = leave
  }

  /** What a resume tells of the audio. */
  get held(): { readonly ackedChunk: number; readonly firstChunk: number } {
    return { ackedChunk: this.#chunks.acked, firstChunk: this.#chunks.first }
  }

  /** Sends on this wire from chunk `next` on; false, and nothing is sent, if that is not held. */
  attach(wire: Wire, next: number): boolean {
    if (!this.#chunks.expect(next)) return false
    this.#wire = wire
    this.#send()
    return true
  }

  /** Keeps everything for the next wire; what is unanswered will be asked again. */
  detach(): void {
    this.#wire = undefined
    this.#isPaused = false
    this.#alarms.clear('hold', 'pause')
    this.#requests.takeBack()
  }

  /** Ends for good: rejects whatever is unanswered. */
  end(error: LinguaError): void {
    this.#wire = undefined
    this.#alarms.clearAll()
    this.#requests.fail(error)
  }

  /** Throws `overloaded`, and takes nothing, if more than 60 s of audio would be unacknowledged. */
  append(bytes: Uint8Array): void {
    if (this.#chunks.wouldOverflow(bytes.length)) throw overloaded()
    const { next } = this.#chunks
    this.#chunks.append(bytes)
    if (!this.#chunks.hasTail) this.#alarms.clear('flush')
    else if (this.#chunks.next > next || !this.#alarms.isSet('flush'))
      this.#alarms.set('flush', FLUSH_MS, () => this.#flush())
    this.#send()
  }

  /** Frames all that was appended and tells the number of the last chunk, -1 if there is none. */
  frameAll(): number {
    this.#alarms.clear('flush')
    this.#chunks.flush()
    return this.#chunks.next - 1
  }

  /** Resolves with the answer; rejects with a refusal that will not pass. */
  ask<T extends object>(question: Question<T>): Promise<T> {
    const answer = this.#requests.ask(question)
    this.#send()
    return answer
  }

  /** Everything up to this chunk is stored. */
  ack(chunk: number): void {
    this.#chunks.ack(chunk)
    this.#send()
  }

  /** Everything from the expected chunk on was refused: goes back to it, in time. */
  goBack(error: LinguaError): void {
    if (error.code === 'draining') return this.#leave()
    if (error.code === 'dependency_down') this.#chunks.tryOne()
    const expected = error.details?.['expected']
    if (typeof expected === 'number') {
      // A resume tells the server what is held, and the server then tells what is lost.
      if (!this.#chunks.expect(expected)) return this.#leave()
      this.#requests.takeBack(expected)
    }
    // What waits already waits no shorter for what is refused behind it.
    if (error.code === 'chunk_gap' && this.#alarms.isSet('hold')) return
    const waitMs = error.retryAfterMs ?? (error.code === 'chunk_gap' ? 0 : RETRY_MS)
    this.#alarms.set('hold', waitMs, () => this.#send())
  }

  /** Audio waits after `pause`, until told to go on or for `retryAfterMs`; requests behind it do too. */
  heed({ action, retryAfterMs }: Parameters<ServerEvents['session.backpressure']>[0]): void {
    this.#isPaused = action === 'pause'
    this.#alarms.clear('pause')
    if (action === 'resume') this.#alarms.clear('hold')
    if (this.#isPaused && retryAfterMs !== undefined)
      this.#alarms.set('pause', retryAfterMs, () => this.heed({ action: 'slow' }))
    this.#send()
  }

  #flush(): void {
    this.#chunks.flush()
    this.#send()
  }

  #send(): void {
    const wire = this.#wire
    if (!wire || this.#alarms.isSet('hold')) return
    for (;;) {
      this.#requests.sendDue(wire, this.#chunks.cursor)
      const chunk = this.#isPaused ? undefined : this.#chunks.take()
      if (!chunk) return
      wire.emit('audio.append', chunk.number, chunk.bytes)
    }
  }
}

const overloaded = (): LinguaError =>
  new LinguaError('overloaded', 'Over 60 s of audio would be unacknowledged: append this later.', {
    retryAfterMs: RETRY_MS,
  })
