import type { Clock } from '../platform/clock.ts'
import { LIMITS } from '../platform/limits.ts'
import type { Log } from '../platform/log.ts'
import { LinguaError, type WireError } from '../protocol/codes.ts'
import type { CutReason, Finalized, Progress, Result } from '../protocol/events.ts'
import type { Session } from '../session/session.ts'
import { AckPacer } from './ack-pacer.ts'
import { ChunkGate } from './chunk-gate.ts'
import { toWireError } from './errors.ts'
import { ResultReader, type Results } from './result-reader.ts'
import type { Wire } from './wire.ts'

export interface LiveSessionDeps {
  readonly clock: Clock
  readonly log: Log
  readonly results: Results
  /** Marks the session in the control plane; false if another connection has it. */
  readonly close: (
    session: Session,
    state: 'closing' | 'closed',
    reason: string,
  ) => Promise<boolean>
  /** Settles an utterance as cancelled and stops whatever works on it; false if it had its outcome. */
  readonly cancel: (session: Session, finalized: Finalized) => Promise<boolean>
  readonly counted: (reason: CutReason) => void
}

export interface Resumed {
  readonly lastSeq: number
  readonly lastIndex: number
  readonly nextChunk: number
  /** Why it had been closed, if it had: only its results are left to tell. */
  readonly closed: string | undefined
}

/**
 * A session while a connection holds it:
 *
 *   open -> (socket lost) -> away -> (3 s) -> cut and let go; it can be resumed anywhere
 *   open -> (session.close) -> draining -> (last result emitted, or 30 s) -> closed
 *   any  -> (resumed elsewhere) -> superseded, let go
 *
 * What is stored and finalized lives in Redis; this only paces, orders and tells.
 */
export class LiveSession {
  readonly session: Session
  readonly #deps: LiveSessionDeps
  readonly #wire: Wire
  readonly #gate: ChunkGate
  readonly #pacer: AckPacer
  readonly #reader: ResultReader
  readonly #known: Resumed
  /** Finalized and without a final result on this wire; `cutAt` if it was cut here. */
  readonly #unfinished = new Map<number, { finalized: Finalized; cutAt?: number }>()
  #timer: NodeJS.Timeout | undefined
  #ticking = false
  #whenDone: (() => void) | undefined
  #ended = false

  constructor(deps: LiveSessionDeps, session: Session, known: Resumed, wire: Wire) {
    this.#deps = deps
    this.session = session
    this.#wire = wire
    this.#gate = new ChunkGate(known.nextChunk)
    this.#known = known
    this.#pacer = new AckPacer((chunk) => wire.emit('audio.ack', { chunk }))
    if (known.nextChunk > 0) this.#pacer.stored(known.nextChunk - 1)
    this.#reader = new ResultReader(
      deps.results,
      { session: session.id, seq: known.lastSeq },
      (result) => this.#deliver(result),
    )
    for (const cut of session.pending)
      this.#unfinished.set(cut.index, { finalized: session.finalizedOf(cut) })
    session.onFinalized((finalized) => this.#finalized(finalized))
    session.onHeard(() => this.#look())
  }

  /** Finalized utterances whose final result has not been emitted here. */
  get unfinished(): number {
    return this.#unfinished.size
  }

  /** Begins to tell: cuts the client has not heard of, results it has not acknowledged; then mends. */
  async start(): Promise<void> {
    for (const { finalized } of this.#unfinished.values()) this.#announce(finalized)
    await this.#reader.wake()
    for (const index of this.#unfinished.keys())
      if (await this.#deps.results.released(this.session.id, index)) this.#finish(index)
    const { closed } = this.#known
    if (closed !== undefined) this.#wire.emit('session.closed', { reason: closed })
    else this.tick()
    this.session.onDetectorLost((why) =>
      this.#wire.emit('session.error', { ...why.toWire(), fatal: false }),
    )
  }

  append(chunk: number, bytes: Buffer): void {
    const admission = this.#gate.admit(chunk)
    if (admission === 'tell') this.#refuse(new LinguaError('chunk_gap'))
    if (admission !== 'store') return
    this.session.append(chunk, bytes).then(
      (answer) => this.#stored(answer),
      (error: unknown) => {
        if (this.#gate.refuse(chunk)) this.#refuse(error)
      },
    )
  }

  commit(through: number | undefined): Promise<number | null> {
    return this.session.commit(through)
  }

  /** False if the utterance has its outcome already, or was never finalized. */
  async cancel(index: number): Promise<boolean> {
    const open = this.#unfinished.get(index)
    return open !== undefined && this.#deps.cancel(this.session, open.finalized)
  }

  ack(seq: number): void {
    this.#reader
      .ack(seq)
      .catch((error: unknown) => this.#deps.log.debug({ err: error }, 'result.ack not stored'))
  }

  /** There may be news in the outbox. */
  wake(): void {
    this.#reader
      .wake()
      .catch((error: unknown) => this.#deps.log.debug({ err: error }, 'outbox not read'))
  }

  /** Lossy, and never after the result. */
  progress(progress: Progress): void {
    if (this.#unfinished.has(progress.index)) this.#wire.emit('utterance.progress', progress)
  }

  /** Cuts the rest, waits for the results that are still to come, and answers how many never came. */
  async close(): Promise<{ lastIndex: number | null; unfinished: number }> {
    await this.session.cutRest('close')
    await this.#deps.close(this.session, 'closing', 'close')
    await this.#drain()
    await this.#deps.close(this.session, 'closed', 'close')
    const answer = { lastIndex: this.session.lastIndex ?? null, unfinished: this.unfinished }
    this.end()
    this.#wire.emit('session.closed', { reason: 'close' })
    return answer
  }

  /** The socket is gone: after a while what was said is cut, so that it is translated all the same. */
  away(): void {
    clearTimeout(this.#timer)
    this.#pacer.stop()
    this.#timer = setTimeout(() => {
      this.session
        .cutRest('disconnect')
        .catch((error: unknown) => this.#deps.log.debug({ err: error }, 'disconnect cut not made'))
      this.end()
    }, LIMITS.disconnectMs)
  }

  /** Lets go. The session itself lives on in Redis. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    this.#pacer.stop()
    this.session.end()
  }

  /** Cuts what is due and adds what could not be added, then sets the timer for the next time. */
  tick(): void {
    if (this.#ticking || this.#ended) return
    this.#ticking = true
    this.session
      .tick()
      .catch((error: unknown) => this.#deps.log.debug({ err: error }, 'cut put off'))
      .finally(() => {
        this.#ticking = false
        this.#arm()
      })
  }

  #stored(answer: Awaited<ReturnType<Session['append']>>): void {
    switch (answer.kind) {
      case 'stored':
        this.#pacer.stored(answer.nextChunk - 1)
        this.#look()
        break
      case 'gap':
        if (this.#gate.refuse(answer.expected)) this.#refuse(new LinguaError('chunk_gap'))
        break
      case 'superseded':
        break
      case 'unknown_session':
        this.fail(new LinguaError('session_not_found'))
        break
    }
  }

  #look(): void {
    if (this.session.isDue) this.tick()
    else this.#arm()
  }

  #arm(): void {
    const at = this.session.dueAt
    if (this.#timer || this.#ended || at === undefined) return
    const wait = Math.max(0, at - this.#deps.clock.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.tick()
    }, wait)
  }

  #refuse(error: unknown): void {
    const wire = toWireError(error)
    const told: WireError = { ...wire, details: { ...wire.details, expected: this.#gate.expected } }
    this.#wire.emit('session.error', { ...told, fatal: false })
  }

  /** Nothing can be done for this session any more. */
  fail(error: LinguaError): void {
    if (this.#ended) return
    this.end()
    this.#wire.emit('session.error', { ...error.toWire(), fatal: true })
    this.#wire.emit('session.closed', { reason: error.code })
  }

  /** Pending cuts of the resume are known already; their jobs are only added once more. */
  #finalized(finalized: Finalized): void {
    const { index, reason } = finalized
    if (this.session.pending.some((cut) => cut.index === index)) return
    this.#unfinished.set(index, { finalized, cutAt: this.#deps.clock.now() })
    this.#deps.counted(reason)
    this.#announce(finalized)
  }

  #announce(finalized: Finalized): void {
    if (finalized.index > this.#known.lastIndex) this.#wire.emit('utterance.finalized', finalized)
  }

  /** Where this gateway made the cut, its own clock measures the way from there to the emit. */
  #deliver(result: Result): Promise<void> | undefined {
    if (result.kind === 'gap') {
      this.#wire.emit('result', result)
      return this.#wire.drained()
    }
    const cutAt = this.#unfinished.get(result.index)?.cutAt
    const totalMs =
      cutAt === undefined ? result.timings.totalMs : Math.round(this.#deps.clock.now() - cutAt)
    this.#wire.emit('result', { ...result, timings: { ...result.timings, totalMs } })
    this.#finish(result.index)
    return this.#wire.drained()
  }

  #finish(index: number): void {
    this.#unfinished.delete(index)
    if (this.#unfinished.size === 0) this.#whenDone?.()
  }

  async #drain(): Promise<void> {
    this.wake()
    if (this.#unfinished.size === 0) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#whenDone = resolve
      timer = setTimeout(resolve, LIMITS.closeDrainMs)
    })
    clearTimeout(timer)
  }
}
