import type { Clock } from '../platform/clock.ts'
import { LIMITS } from '../platform/limits.ts'
import { LinguaError } from '../protocol/codes.ts'
import type { ServerEvents } from '../protocol/events.ts'
import type { Session } from '../session/session.ts'
import { AckPacer } from './ack-pacer.ts'
import { ChunkGate } from './chunk-gate.ts'
import { toWireError } from './errors.ts'
import { Throttle } from './throttle.ts'
import type { Wire } from './wire.ts'

export interface IntakeDeps {
  readonly clock: Clock
  readonly session: Session
  readonly wire: Pick<Wire, 'emit' | 'hold'>
  readonly nextChunk: number
  readonly all: UnderWay
  /** A chunk was stored: there may be something to cut. */
  readonly onStored: () => void
  /** The session is not there any more. */
  readonly onGone: () => void
  /** The client went on sending, whatever was refused. */
  readonly onExcess: (error: LinguaError) => void
}

/** Audio of all sessions of a gateway on its way to Redis, ms. */
export interface UnderWay {
  ms: number
}

type Action = Parameters<ServerEvents['session.backpressure']>[0]['action']

/** Refusals after which the client is told to pause, and to go on when there is room again. */
const PAUSING: ReadonlySet<string> = new Set(['rate_limited', 'overloaded'])

/**
 * Audio of one connection on its way in: numbers, throttles, stores and acknowledges it.
 *
 *   chunk -> in turn, in time, and room for it -> stored -> acknowledged
 *         -> else refused, with all behind it, until the expected one comes again
 *
 * It holds no audio but what is on its way to Redis.
 */
export class Intake {
  readonly #deps: IntakeDeps
  readonly #gate: ChunkGate
  readonly #throttle: Throttle
  readonly #pacer: AckPacer
  /** What the client was told last, until it has made good for it. */
  #refusal: LinguaError | undefined
  #advice: Action = 'resume'
  #shut: LinguaError | undefined
  /** A chunk that tries whether Redis is back, and whether others came behind it meanwhile. */
  #probe: { othersCame: boolean } | undefined
  #answered: Promise<void> = Promise.resolve()
  /** Audio on its way to Redis, ms. */
  #underWayMs = 0

  constructor(deps: IntakeDeps) {
    const { nextChunk, wire, clock } = deps
    this.#deps = deps
    this.#gate = new ChunkGate(nextChunk)
    this.#throttle = new Throttle(nextChunk, clock.now())
    this.#pacer = new AckPacer((chunk) => wire.emit('audio.ack', { chunk }))
    if (nextChunk > 0) this.#pacer.stored(nextChunk - 1)
  }

  append(chunk: number, bytes: Buffer): void {
    const admission = this.#gate.admit(chunk)
    if (admission === 'store' && this.#probe) {
      this.#gate.refuse(chunk)
      this.#probe.othersCame = true
    } else if (admission === 'store') {
      const refusal = this.#refusalOf(chunk, bytes)
      if (!refusal) return this.#store(chunk, bytes)
      this.#gate.refuse(chunk)
      this.#refuse(refusal)
    } else if (admission === 'tell') this.#refuse(new LinguaError('chunk_gap'))
    // What Redis cannot take is nobody's excess, nor what is refused while it is tried.
    if (this.#probe || this.#refusal?.code === 'dependency_down') return
    const { clock, session, wire, onExcess } = this.#deps
    if (this.#throttle.bears(session.msOf(bytes.length), clock.now())) {
      if (this.#throttle.isTried(clock.now())) wire.hold(() => false)
      return
    }
    onExcess(new LinguaError('rate_limited', 'Audio came on and on, whatever was refused.'))
  }

  /** Throws the refusal that stands if audio up to this chunk, by default all that was sent, was refused. */
  assertTaken(through?: number): void {
    if (this.#refusal && (through === undefined || through >= this.#gate.expected))
      throw this.#withExpected(this.#refusal)
  }

  /** Resolves when every chunk that was let through is stored or refused. */
  answered(): Promise<void> {
    return this.#answered
  }

  /** Tells whether to slow down or to go on, if that is not what the client was told last. */
  advise(): void {
    const { clock, session, wire } = this.#deps
    if (this.#refusal?.code === 'overloaded' && !session.isCrowded) this.#refusal = undefined
    const refusal = this.#refusal && PAUSING.has(this.#refusal.code) ? this.#refusal : undefined
    const isSlow = session.isCrowded || this.#throttle.isLow(clock.now())
    const action = refusal ? 'pause' : isSlow ? 'slow' : 'resume'
    if (action === this.#advice) return
    this.#advice = action
    const { retryAfterMs } = refusal ?? {}
    wire.emit('session.backpressure', {
      action,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
  }

  /** Acknowledges now what is stored. */
  flush(): void {
    this.#pacer.flush()
  }

  /** From now on all audio is refused with this. */
  shut(why: LinguaError): void {
    this.#shut = why
  }

  /** Audio is taken again. */
  reopen(): void {
    this.#shut = undefined
  }

  stop(): void {
    this.#pacer.stop()
  }

  #refusalOf(chunk: number, bytes: Buffer): LinguaError | undefined {
    const { clock, session } = this.#deps
    if (this.#shut) return this.#shut
    if (session.isFull)
      return new LinguaError('overloaded', undefined, { retryAfterMs: LIMITS.overloadedRetryMs })
    const retryAfterMs = this.#throttle.admit(chunk, session.msOf(bytes.length), clock.now())
    return retryAfterMs > 0
      ? new LinguaError('rate_limited', undefined, { retryAfterMs })
      : undefined
  }

  /** While Redis does not answer one chunk at a time is tried: more would only pile up before it. */
  #store(chunk: number, bytes: Buffer): void {
    const probe = this.#refusal?.code === 'dependency_down' ? { othersCame: false } : undefined
    this.#probe = probe
    this.#refusal = undefined
    this.advise()
    const { session, wire, all } = this.#deps
    const audioMs = session.msOf(bytes.length)
    this.#underWayMs += audioMs
    all.ms += audioMs
    const landed = (): void => {
      this.#underWayMs -= audioMs
      all.ms -= audioMs
      if (this.#probe === probe) this.#probe = undefined
    }
    this.#answered = session.append(chunk, bytes).then(
      (answer) => {
        landed()
        this.#stored(answer)
        if (answer.kind !== 'stored' || !probe) return
        this.#pacer.flush()
        if (probe.othersCame) this.#refuse(new LinguaError('chunk_gap'))
      },
      (error: unknown) => {
        landed()
        if (this.#gate.refuse(chunk)) this.#refuse(error)
      },
    )
    const isFarAhead = (): boolean => this.#isFarAhead
    if (isFarAhead()) wire.hold(isFarAhead)
  }

  /** Who speaks at the pace of speech never is; where many are, none of them may take much. */
  get #isFarAhead(): boolean {
    const { allUnderWayMs, paceMs, underWayMs } = LIMITS
    return this.#underWayMs > (this.#deps.all.ms > allUnderWayMs ? paceMs : underWayMs)
  }

  #stored(answer: Awaited<ReturnType<Session['append']>>): void {
    switch (answer.kind) {
      case 'stored':
        this.#pacer.stored(answer.nextChunk - 1)
        this.#deps.onStored()
        break
      case 'gap':
        if (this.#gate.refuse(answer.expected)) this.#refuse(new LinguaError('chunk_gap'))
        break
      case 'superseded':
        break
      case 'unknown_session':
        this.#deps.onGone()
        break
    }
  }

  #refuse(error: unknown): void {
    const { wire } = this.#deps
    const { code, message, ...rest } = toWireError(error)
    const refusal = new LinguaError(code, message, rest)
    if (refusal.code === this.#shut?.code) {
      wire.emit('session.error', { ...refusal.toWire(), fatal: false })
      return
    }
    this.#refusal = refusal
    wire.emit('session.error', { ...this.#withExpected(refusal).toWire(), fatal: false })
    this.advise()
  }

  #withExpected({ code, message, retryAfterMs, details }: LinguaError): LinguaError {
    return new LinguaError(code, message, {
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      details: { ...details, expected: this.#gate.expected },
    })
  }
}
