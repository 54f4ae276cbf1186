import type { Clock } from '../platform/clock.ts'
import { LIMITS } from '../platform/limits.ts'
import type { Log } from '../platform/log.ts'
import { LinguaError } from '../protocol/codes.ts'
import type { Put } from '../protocol/news.ts'
import type { CutReason, Finalized, Progress, Result } from '../protocol/events.ts'
import type { Session } from '../session/session.ts'
import type { Hole } from '../session/sessions.ts'
import { Intake, type UnderWay } from './intake.ts'
import { ResultReader, type Results } from './result-reader.ts'
import { Ticker } from './ticker.ts'
import type { Wire } from './wire.ts'

export interface LiveSessionDeps {
  readonly clock: Clock
  readonly log: Log
  readonly results: Results
  readonly underWay: UnderWay
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
  /** Chunks that nobody holds any more. */
  readonly lost: Hole | undefined
}

interface CloseAnswer {
  readonly lastIndex: number | null
  readonly unfinished: number
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
  readonly #intake: Intake
  readonly #reader: ResultReader
  readonly #known: Resumed
  /** When those utterances were cut that were cut here. */
  readonly #cutAt = new Map<number, number>()
  readonly #ticker: Ticker
  #awayTimer: NodeJS.Timeout | undefined
  #whenDone: (() => void) | undefined
  #closing: Promise<CloseAnswer> | undefined
  /** Why it is closed, if it is. */
  #closed: string | undefined
  /** The result that was last said to be played, by its seq. */
  #playing: number | undefined
  #ended = false

  constructor(deps: LiveSessionDeps, session: Session, known: Resumed, wire: Wire) {
    this.#deps = deps
    this.session = session
    this.#wire = wire
    this.#known = known
    this.#ticker = new Ticker(session, deps)
    this.#intake = new Intake({
      clock: deps.clock,
      session,
      wire,
      nextChunk: known.nextChunk,
      all: deps.underWay,
      onStored: () => this.#ticker.look(),
      onGone: () => this.fail(new LinguaError('session_not_found')),
      onExcess: (error) => this.#expel(error),
    })
    this.#reader = new ResultReader(
      deps.results,
      { session: session.id, seq: known.lastSeq },
      (result) => this.#deliver(result),
    )
    if (known.closed !== undefined) this.#shut(known.closed)
    session.cuts.onFinalized((finalized) => this.#finalized(finalized))
    session.onHeard(() => this.#ticker.look())
  }

  /** Finalized utterances whose final result has not been emitted here. */
  get unfinished(): number {
    return this.session.cuts.unfinished.size
  }

  /** Begins to tell: cuts the client has not heard of, results it has not acknowledged; then mends. */
  async start(): Promise<void> {
    if (this.#known.lost) this.#wire.emit('audio.lost', this.#known.lost)
    for (const cut of this.session.cuts.unfinished.values())
      this.#announce(this.session.cuts.finalizedOf(cut))
    await this.#reader.wake()
    for (const index of this.session.cuts.unfinished.keys())
      if (await this.#deps.results.released(this.session.id, index)) this.#finish(index)
    if (this.#closed !== undefined) this.#wire.emit('session.closed', { reason: this.#closed })
    else this.#ticker.tick()
    this.#intake.advise()
    this.session.onDetectorLost((why) =>
      this.#wire.emit('session.error', { ...why.toWire(), fatal: false }),
    )
  }

  append(chunk: number, bytes: Buffer): void {
    this.#intake.append(chunk, bytes)
  }

  /** Throws what the chunk was refused with, if it was; of a closed session only what it had cut is told. */
  async commit(through: number | undefined): Promise<number | null> {
    if (this.#closed !== undefined) return this.session.committed(through)
    this.#intake.assertTaken(through)
    return this.session.commit(through)
  }

  /** False if the utterance has its outcome already. Throws `bad_request` if it was never finalized. */
  async cancel(index: number): Promise<boolean> {
    if (!(await this.session.hasCut(index)))
      throw new LinguaError('bad_request', `utterance ${index} was never finalized`)
    const cut = this.session.cuts.unfinished.get(index)
    return cut !== undefined && this.#deps.cancel(this.session, this.session.cuts.finalizedOf(cut))
  }

  ack(seq: number): void {
    this.#reader
      .ack(seq)
      .catch((error: unknown) => this.#deps.log.debug({ err: error }, 'result.ack not stored'))
  }

  /** There may be news in the outbox, and what was `put` into it is known. */
  wake(put?: Put): void {
    this.#reader
      .wake(put)
      .catch((error: unknown) => this.#deps.log.debug({ err: error }, 'outbox not read'))
  }

  /** Lossy, and never after the result. */
  progress(progress: Progress): void {
    if (this.session.cuts.unfinished.has(progress.index))
      this.#wire.emit('utterance.progress', progress)
  }

  /**
   * Cuts the rest, waits for the results that are still to come, and answers how many never came. Asked
   * again it answers the same. Throws what the last audio was refused with, and then nothing is closed.
   */
  close(): Promise<CloseAnswer> {
    this.#closing ??= this.#close().catch((error: unknown) => {
      this.#closing = undefined
      throw error
    })
    return this.#closing
  }

  /** Only results are told any more, if any. */
  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  /**
   * Something said by the result `seq` is played to the speaker, or no longer: meanwhile pauses cut nothing.
   * Throws `bad_request` if that result was not emitted.
   */
  play(seq: number, isPlaying: boolean): void {
    if (seq < 1 || seq > this.#reader.seq)
      throw new LinguaError('bad_request', `the result ${seq} was never sent`)
    if (isPlaying) this.#playing = seq
    else if (this.#playing !== seq) return
    this.session.playing(isPlaying ? LIMITS.playbackMs : undefined)
    this.#ticker.rearm()
  }

  /** The socket is gone: after a while what was said is cut, so that it is translated all the same. */
  away(): void {
    if (this.#ended || this.isClosed) return
    this.#ticker.stop()
    this.#intake.stop()
    this.#awayTimer = setTimeout(() => {
      this.session
        .cutRest('disconnect')
        .catch((error: unknown) => this.#deps.log.debug({ err: error }, 'disconnect cut not made'))
      this.end()
    }, LIMITS.disconnectMs)
  }

  /** Lets go. The session itself lives on in Redis. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#awayTimer)
    this.#ticker.stop()
    this.#intake.stop()
    this.session.end()
    this.#whenDone?.()
  }

  /** Nothing can be done for this session any more. */
  fail(error: LinguaError): void {
    if (this.#ended) return
    this.#shut(error.code)
    this.end()
    this.#wire.emit('session.error', { ...error.toWire(), fatal: true })
    this.#wire.emit('session.closed', { reason: error.code })
  }

  async #close(): Promise<CloseAnswer> {
    if (this.#closed !== undefined) {
      await this.#reader.wake()
      return this.#closeAnswer()
    }
    this.#intake.shut(takesNothing())
    try {
      await this.#intake.answered()
      this.#intake.flush()
      this.#intake.assertTaken()
      await this.session.cutRest('close')
      await this.#mark('closing')
      await this.#drain()
      if (this.#ended && !this.isClosed) throw new LinguaError('draining')
      if (!this.isClosed) await this.#mark('closed')
    } catch (error) {
      if (!this.isClosed) this.#intake.reopen()
      throw error
    }
    if (!this.isClosed) {
      this.#closed = 'close'
      this.end()
      this.#wire.emit('session.closed', { reason: 'close' })
    }
    return this.#closeAnswer()
  }

  #closeAnswer(): CloseAnswer {
    return { lastIndex: this.session.lastIndex ?? null, unfinished: this.unfinished }
  }

  async #mark(state: 'closing' | 'closed'): Promise<void> {
    if (await this.#deps.close(this.session, state, 'close')) return
    throw new LinguaError('session_not_found', 'the session has moved to another connection')
  }

  /** Resolves when the last result was emitted, at the deadline, or when this lets go. */
  async #drain(): Promise<void> {
    this.wake()
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LIMITS.closeDrainMs)
    })
    const told = new Promise<void>((resolve) => {
      this.#whenDone = resolve
      if (this.unfinished === 0) resolve()
    }).then(() => this.#reader.wake())
    await Promise.race([told, deadline]).finally(() => clearTimeout(timer))
  }

  #shut(reason: string): void {
    this.#closed = reason
    this.#intake.shut(takesNothing())
  }

  /** The client went on whatever it was told: its session may be resumed, but this connection ends. */
  #expel(error: LinguaError): void {
    this.#deps.log.info({ session: this.session.id, code: error.code }, 'client cut off')
    this.#wire.emit('session.error', { ...error.toWire(), fatal: true })
    this.#wire.leave()
  }

  /** Pending cuts of the resume are known already; their jobs are only added once more. */
  #finalized(finalized: Finalized): void {
    const { index, reason } = finalized
    if (this.session.cuts.pending.some((cut) => cut.index === index)) return
    this.#cutAt.set(index, this.#deps.clock.now())
    this.#deps.counted(reason)
    this.#announce(finalized)
    this.#intake.advise()
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
    const cutAt = this.#cutAt.get(result.index)
    const totalMs =
      cutAt === undefined ? result.timings.totalMs : Math.round(this.#deps.clock.now() - cutAt)
    this.#wire.emit('result', { ...result, timings: { ...result.timings, totalMs } })
    this.#finish(result.index)
    return this.#wire.drained()
  }

  /** Where so much was unfinished that nothing was cut, there is room now. */
  #finish(index: number): void {
    const wasCrowded = this.session.isCrowded
    this.#cutAt.delete(index)
    this.session.finished(index)
    if (this.unfinished === 0) this.#whenDone?.()
    if (!wasCrowded || this.session.isCrowded || this.#ended) return
    this.#intake.advise()
    this.#ticker.look()
  }
}

const takesNothing = (): LinguaError =>
  new LinguaError('session_not_started', 'The session is closed and takes no audio: start another.')
