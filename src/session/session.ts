import type { Appended, Cut, CutPoint } from '../../lua/audio.ts'
import { LIMITS } from '../platform/limits.ts'
import { LinguaError } from '../protocol/codes.ts'
import {
  BYTES_PER_SAMPLE,
  type AudioFormat,
  type CutReason,
  type StartRequest,
} from '../protocol/events.ts'
import type { SessionId } from '../protocol/ids.ts'
import { Cuts } from './cuts.ts'
import type { Decision } from './cutter.ts'
import type { OpenUtterance } from './open-utterance.ts'
import type { SessionDeps } from './sessions.ts'

export const DEFAULT_AUDIO: AudioFormat = { encoding: 'pcm_s16le', sampleRate: 16_000 }

interface SessionState {
  readonly id: SessionId
  readonly epoch: number
  readonly request: StartRequest
  readonly open: OpenUtterance
  /** Cuts whose outcomes are still to come. */
  readonly pending: readonly Cut[]
  /** Those of them that may have no job. */
  readonly unqueued: readonly Cut[]
  /** Whose it is, and the hash of the token that its client was given. */
  readonly owner: SessionOwner
}

export interface SessionOwner {
  readonly subject: string
  readonly tokenHash: string
}

/**
 * A session as the gateway that holds its connection sees it.
 *
 *   chunk -> stored -> heard -> (cutter) -> cut -> job added -> finalized told
 *
 * Whatever cuts or drops waits for its turn, and then goes by what the one before left.
 *
 * Nothing here is true: chunks and cuts are in the audio plane, fenced by `epoch`, and a gateway that
 * takes the session over reads them there.
 */
export class Session {
  readonly id: SessionId
  readonly epoch: number
  readonly request: StartRequest
  readonly format: AudioFormat
  readonly owner: SessionOwner
  /** What was cut and has no result yet. */
  readonly cuts: Cuts
  readonly #deps: SessionDeps
  readonly #open: OpenUtterance
  readonly #bytesPerMs: number
  #lastChunk: number | undefined
  /** Bytes on their way to the plane. */
  #flying = 0
  #turn: Promise<unknown> = Promise.resolve()
  #appended: Promise<unknown> = Promise.resolve()
  /** What could not be done is tried again no sooner. */
  #notBefore = -Infinity
  #older: () => void = () => {}

  constructor(deps: SessionDeps, { id, epoch, request, open, owner, ...cuts }: SessionState) {
    this.#deps = deps
    this.id = id
    this.epoch = epoch
    this.request = request
    this.format = request.audio ?? DEFAULT_AUDIO
    this.owner = owner
    this.#open = open
    this.#bytesPerMs = (this.format.sampleRate * BYTES_PER_SAMPLE) / 1000
    this.cuts = new Cuts(deps, this, cuts)
    this.#crowd()
  }

  /** Who is told that Redis does not know what it knew: it came back older, and has to be told. */
  onOlder(tell: () => void): void {
    this.#older = tell
  }

  /** Who is told that more has been heard: `tick` may have something to do. */
  onHeard(tell: () => void): void {
    this.#open.onHeard(tell)
  }

  /** Who is told, once, that the session does not have the detector it asked for (any longer). */
  onDetectorLost(tell: (why: LinguaError) => void): void {
    this.#open.onChanged(tell)
  }

  /** Index of the last utterance that was cut, or undefined. */
  get lastIndex(): number | undefined {
    return this.#open.index > 0 ? this.#open.index - 1 : undefined
  }

  /** Whether so much is unfinished that only the end of the session cuts. */
  get isCrowded(): boolean {
    return this.cuts.areMany
  }

  /** Whether there is no room for another chunk: nothing may be cut, and what is open is as long as can be. */
  get isFull(): boolean {
    return this.isCrowded && this.#open.isFullWith(this.#flying)
  }

  /** How long so many bytes of audio last. */
  msOf(bytes: number): number {
    return bytes / this.#bytesPerMs
  }

  /** Whether an utterance of this index was cut, or is about to be. */
  async hasCut(index: number): Promise<boolean> {
    await this.#turn
    return index < this.#open.index
  }

  /** The final result of this index was told: there may be room for another. */
  finished(index: number): void {
    this.cuts.finish(index)
    this.#crowd()
  }

  /** Something is played to the speaker for `forMs` at most; undefined: no longer. */
  playing(forMs: number | undefined): void {
    this.#open.playing(forMs)
  }

  /** Whether `tick` would do something now. */
  get isDue(): boolean {
    return this.#deps.clock.now() >= this.#notBefore && this.#open.decision !== undefined
  }

  /** When `tick` must be called again if no chunk comes, on the session's clock. */
  get dueAt(): number | undefined {
    const now = this.#deps.clock.now()
    const at = this.cuts.areQueued ? this.#open.dueAt : now
    return at === undefined ? undefined : Math.max(at, this.#notBefore)
  }

  /** Stores a chunk: once this says `stored`, it survives this process. */
  async append(chunk: number, bytes: Buffer): Promise<Appended> {
    this.#lastChunk = chunk
    const appending = this.#deps.scripts.appendAudio({
      session: this.id,
      epoch: this.epoch,
      chunk,
      bytes,
      lifeMs: LIMITS.segmentLifeMs,
    })
    this.#appended = appending
    this.#flying += bytes.length
    try {
      const answer = await appending
      // In the same step: a cut behind it counts on what was stored before.
      if (answer.kind === 'stored') this.#open.stored(chunk, bytes)
      if (answer.kind === 'unknown_session') this.#older()
      return answer
    } finally {
      this.#flying -= bytes.length
    }
  }

  /** Cuts and drops while the cutter says so, and adds jobs that could not be added before. */
  async tick(): Promise<void> {
    try {
      await this.cuts.repair()
      await this.#inTurn(() => this.#act())
    } catch (error) {
      this.#notBefore = this.#deps.clock.now() + LIMITS.retryBackoffMs
      throw error
    }
  }

  /**
   * Cuts after a chunk, by default the last one sent; answers the index, the same one for a repeat, or
   * null if nothing was open: in `vad` mode, if no speech was. Throws `chunk_gap` if that chunk has not
   * been stored, and `overloaded` for a new cut if too much is unfinished.
   */
  async commit(through: number | undefined = this.#lastChunk): Promise<number | null> {
    const index = await this.#inTurn(() =>
      this.isCrowded ? this.#cutAgain(through) : this.#cutThrough(through, 'manual'),
    )
    await this.cuts.repair()
    return index
  }

  /** The index of a cut that was made before. */
  async committed(through: number | undefined = this.#lastChunk): Promise<number | null> {
    return this.#inTurn(() => this.#cutBefore(through))
  }

  /** Cuts all that is left, whatever cuts are on their way. */
  async cutRest(reason: 'close' | 'disconnect'): Promise<void> {
    await this.#inTurn(async () => {
      while ((await this.#cutThrough(undefined, reason)) !== null);
    })
    await this.cuts.repair()
  }

  /** Listens no longer, once what was asked for is done. */
  end(): void {
    void this.#inTurn(async () => this.#open.close())
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #act(): Promise<void> {
    for (;;) {
      const { decision } = this.#open
      if (!decision) return
      if (decision.kind === 'drop') await this.#drop(decision)
      else if ((await this.#cut({ ...decision, at: decision })) === null) this.#open.vanished()
    }
  }

  /** What is silence is known only when all that came before the commit has been heard. */
  async #cutThrough(through: number | undefined, reason: CutReason): Promise<number | null> {
    if (this.#open.hearsSilence) {
      await this.#appended.catch(() => {})
      await this.#open.settled()
      await this.#act()
    }
    const all = { index: this.#open.index, endByte: undefined }
    const at = through === undefined ? all : { through }
    return this.#cut({ at, reason, ...this.#open.speech })
  }

  async #cutAgain(through: number | undefined): Promise<number> {
    const index = await this.#cutBefore(through)
    if (index !== null) return index
    throw new LinguaError('overloaded', undefined, { retryAfterMs: LIMITS.overloadedRetryMs })
  }

  /** What the plane answers to a cut that nothing is enough for: an index only if it has made it before. */
  async #cutBefore(through: number | undefined): Promise<number | null> {
    if (through === undefined) return null
    return this.#cut({ at: { through }, reason: 'manual', begin: 0, enough: Infinity })
  }

  #crowd(): void {
    this.#open.crowd(this.isCrowded)
  }

  async #drop({ before }: Extract<Decision, { kind: 'drop' }>): Promise<void> {
    const answer = await this.#deps.scripts.dropAudio({
      session: this.id,
      epoch: this.epoch,
      before,
      lifeMs: LIMITS.segmentLifeMs,
    })
    if (answer.kind !== 'dropped') throw this.#lost(answer.kind)
    this.#open.dropped(before)
  }

  async #cut(cut: {
    readonly at: CutPoint
    readonly reason: CutReason
    readonly begin: number
    readonly enough: number
  }): Promise<number | null> {
    const { at, reason, begin, enough } = cut
    const answer = await this.#deps.scripts.cutAudio({
      session: this.id,
      epoch: this.epoch,
      ...{ reason, at, begin, enough, taken: this.#open.index },
      lifeMs: LIMITS.segmentLifeMs,
    })
    switch (answer.kind) {
      case 'cut':
        await this.#made(answer.cut)
        return answer.cut.index
      case 'repeat':
        // A cut that is news was made before, and its answer was lost.
        if (answer.index >= this.#open.index && answer.cut) await this.#made(answer.cut)
        this.#open.cut(answer.index)
        return answer.index
      case 'empty':
        return null
      case 'gap':
        throw new LinguaError('chunk_gap', undefined, { details: { expected: answer.expected } })
      case 'superseded':
      case 'older':
      case 'unknown_session':
        throw this.#lost(answer.kind)
    }
  }

  async #made(cut: Cut): Promise<void> {
    this.#open.cut(cut.index, cut.base + cut.bytes)
    this.cuts.add(cut)
    this.#crowd()
    await this.cuts.repair()
  }

  /** A session that is held is known, unless Redis came back older: soon it will be again. */
  #lost(kind: 'superseded' | 'older' | 'unknown_session'): LinguaError {
    if (kind === 'superseded')
      return new LinguaError('session_not_found', 'the session has moved to another connection')
    this.#older()
    return new LinguaError('dependency_down', 'Redis came back older: try again shortly')
  }
}
