import type { Appended, Cut, CutPoint } from '../../lua/audio.ts'
import { LIMITS } from '../platform/limits.ts'
import { LinguaError } from '../protocol/codes.ts'
import {
  BYTES_PER_SAMPLE,
  type AudioFormat,
  type CutReason,
  type Finalized,
  type StartRequest,
} from '../protocol/events.ts'
import type { SessionId } from '../protocol/ids.ts'
import type { UtteranceJob } from '../protocol/jobs.ts'
import type { Decision } from './cutter.ts'
import type { OpenUtterance } from './open-utterance.ts'
import { unsettled } from './pending.ts'
import type { SessionDeps } from './sessions.ts'
import { utteranceJob } from './utterance-job.ts'

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

/** Cuts that are remembered: more than can be made while Redis has nothing on its disk. */
const MOST_REMEMBERED = 32

/**
 * A session as the gateway that holds its connection sees it.
 *
 *   chunk -> stored -> heard -> (cutter) -> cut -> job added -> finalized told
 *
 * Whatever cuts or drops waits for its turn, and then goes by what the one before left.
 *
 * Nothing here is true: chunks and cuts are in the audio plane, fenced by `epoch`, and a gateway that
 * takes the session over reads them there. A cut whose job could not be added stays in `unqueued` and is
 * tried again by `repair`; the audio plane holds it as pending all the while.
 */
export class Session {
  readonly id: SessionId
  readonly epoch: number
  readonly request: StartRequest
  readonly format: AudioFormat
  /** Cuts found pending when the session was opened: their outcomes are still to come. */
  readonly pending: readonly Cut[]
  readonly owner: SessionOwner
  readonly #deps: SessionDeps
  readonly #unqueued = new Map<number, Cut>()
  /** Without a final result that was told. */
  readonly #unfinished = new Map<number, Cut>()
  /** Jobs on their way: whoever repairs meanwhile waits for them and adds none a second time. */
  readonly #adding = new Map<number, Promise<void>>()
  readonly #open: OpenUtterance
  readonly #bytesPerMs: number
  #lastChunk: number | undefined
  /** Bytes on their way to the plane. */
  #flying = 0
  #turn: Promise<unknown> = Promise.resolve()
  #appended: Promise<unknown> = Promise.resolve()
  /** What could not be done is tried again no sooner. */
  #notBefore = -Infinity
  /** Cuts that were pending when the session was touched last. */
  #pendingThen: ReadonlySet<number> = new Set()
  #finalized: (finalized: Finalized) => void = () => {}
  #older: () => void = () => {}
  /** The last cuts made here, oldest first: an audio plane that came back older is told of them. */
  #cuts: readonly Cut[] = []

  constructor(deps: SessionDeps, { id, epoch, request, open, ...cuts }: SessionState) {
    this.#deps = deps
    this.id = id
    this.epoch = epoch
    this.request = request
    this.format = request.audio ?? DEFAULT_AUDIO
    this.pending = cuts.pending
    this.owner = cuts.owner
    this.#open = open
    this.#bytesPerMs = (this.format.sampleRate * BYTES_PER_SAMPLE) / 1000
    for (const cut of cuts.pending) this.#unfinished.set(cut.index, cut)
    for (const cut of cuts.unqueued) this.#unqueued.set(cut.index, cut)
    this.#crowd()
  }

  /** Who is told of each cut, as soon as its job is added. */
  onFinalized(tell: (finalized: Finalized) => void): void {
    this.#finalized = tell
  }

  /** Who is told that Redis does not know what it knew: it came back older, and has to be told. */
  onOlder(tell: () => void): void {
    this.#older = tell
  }

  /** The last cuts made here, oldest first. */
  get cuts(): readonly Cut[] {
    return this.#cuts
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

  /** Cuts whose final result was not told yet, the oldest first. */
  get unfinished(): ReadonlyMap<number, Cut> {
    return this.#unfinished
  }

  /** Whether so much is unfinished that only the end of the session cuts. */
  get isCrowded(): boolean {
    return this.#unfinished.size >= LIMITS.maxUnfinished
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
    this.#unfinished.delete(index)
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
    const at = this.#unqueued.size > 0 ? now : this.#open.dueAt
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
    this.#appended = appending.catch(() => {})
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
      await this.repair()
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
    await this.repair()
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
    await this.repair()
  }

  /** Listens no longer, once what was asked for is done. */
  end(): void {
    void this.#inTurn(async () => this.#open.close())
  }

  /** Adds the job of every cut that may have none yet, under the same id. */
  async repair(): Promise<void> {
    for (const cut of [...this.#unqueued.values()]) {
      const adding = this.#adding.get(cut.index) ?? this.#add(cut)
      this.#adding.set(cut.index, adding)
      await adding
    }
  }

  async #add(cut: Cut): Promise<void> {
    try {
      await this.#deps.enqueue(this.#jobOf(cut))
      if (this.#unqueued.delete(cut.index)) this.#finalized(this.finalizedOf(cut))
    } finally {
      this.#adding.delete(cut.index)
    }
  }

  /**
   * Mends what may have gone wrong since it was asked last: cuts that are still pending get their jobs
   * once more, unless they have their outcome.
   */
  async mend(pending: readonly Cut[]): Promise<void> {
    const long = pending.filter(({ index }) => this.#pendingThen.has(index))
    this.#pendingThen = new Set(pending.map(({ index }) => index))
    for (const cut of await unsettled(this.#deps, this.id, long))
      await this.#deps.enqueue(this.#jobOf(cut))
  }

  /** Where a byte of the session lies in it. */
  startMsOf(byte: number): number {
    return Math.round(byte / this.#bytesPerMs)
  }

  /** A cut as the client is told of it. */
  finalizedOf(cut: Cut): Finalized {
    return {
      index: cut.index,
      reason: cut.reason,
      startMs: this.startMsOf(cut.base),
      durationMs: Math.round(cut.bytes / this.#bytesPerMs),
      ...(cut.continues && { continues: cut.index - 1 }),
    }
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
      await this.#appended
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
    this.#unqueued.set(cut.index, cut)
    this.#unfinished.set(cut.index, cut)
    this.#crowd()
    this.#cuts = [...this.#cuts, cut].slice(-MOST_REMEMBERED)
    await this.repair()
  }

  /** A session that is held is known, unless Redis came back older: soon it will be again. */
  #lost(kind: 'superseded' | 'older' | 'unknown_session'): LinguaError {
    if (kind === 'superseded')
      return new LinguaError('session_not_found', 'the session has moved to another connection')
    this.#older()
    return new LinguaError('dependency_down', 'Redis came back older: try again shortly')
  }

  #jobOf(cut: Cut): UtteranceJob {
    const key = this.#deps.audioKeys.segment(this.id, cut.index)
    return utteranceJob(this, cut, { key, startMs: this.startMsOf(cut.base) })
  }
}
