import type { Appended, Cut, CutPoint, Opened } from '../../lua/session.ts'
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
import {
  afterChunk,
  afterCut,
  decide,
  dueAt,
  emptyUtterance,
  type CutterOptions,
  type CutterState,
} from './cutter.ts'
import type { SessionDeps } from './sessions.ts'

export const DEFAULT_AUDIO: AudioFormat = { encoding: 'pcm_s16le', sampleRate: 16_000 }

interface SessionState {
  readonly id: SessionId
  readonly epoch: number
  readonly request: StartRequest
  readonly audio: Extract<Opened, { kind: 'opened' }>
}

/**
 * A session as the gateway that holds its connection sees it.
 *
 *   chunk -> stored -> (cutter) -> cut -> job added -> finalized told
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
  readonly #deps: SessionDeps
  readonly #options: CutterOptions
  readonly #unqueued = new Map<number, Cut>()
  /** Cuts that may have been made though no answer came: the repeat brings it. */
  readonly #unanswered = new Set<number>()
  #open: CutterState
  #finalized: (finalized: Finalized) => void = () => {}

  constructor(deps: SessionDeps, { id, epoch, request, audio }: SessionState) {
    this.#deps = deps
    this.id = id
    this.epoch = epoch
    this.request = request
    this.format = request.audio ?? DEFAULT_AUDIO
    this.pending = audio.pending
    this.#options = {
      mode: request.endpointing?.mode === 'manual' ? 'manual' : 'gap',
      pauseMs: request.endpointing?.pauseMs ?? LIMITS.pauseMs,
      maxDurationMs: request.endpointing?.maxDurationMs ?? LIMITS.maxDurationMs,
      bytesPerMs: (this.format.sampleRate * BYTES_PER_SAMPLE) / 1000,
    }
    const empty = emptyUtterance(audio.index)
    this.#open = audio.openBytes > 0 ? afterChunk(empty, audio.openBytes, deps.clock.now()) : empty
    for (const cut of audio.pending) this.#unqueued.set(cut.index, cut)
  }

  /** Who is told of each cut, as soon as its job is added. */
  onFinalized(tell: (finalized: Finalized) => void): void {
    this.#finalized = tell
  }

  /** Index of the last utterance that was cut, or undefined. */
  get lastIndex(): number | undefined {
    return this.#open.index > 0 ? this.#open.index - 1 : undefined
  }

  /** Whether `tick` would cut now. */
  get isDue(): boolean {
    return decide(this.#open, this.#options, this.#deps.clock.now()) !== undefined
  }

  /** When `tick` must be called again if no chunk comes, on the session's clock. */
  get dueAt(): number | undefined {
    return this.#unqueued.size > 0
      ? this.#deps.clock.now() + LIMITS.retryBackoffMs
      : dueAt(this.#open, this.#options)
  }

  /** Stores a chunk: once this says `stored`, it survives this process. Then cuts what is due. */
  async append(chunk: number, bytes: Buffer): Promise<Appended> {
    const answer = await this.#deps.scripts.appendAudio({
      session: this.id,
      epoch: this.epoch,
      chunk,
      bytes,
      lifeMs: LIMITS.segmentLifeMs,
    })
    if (answer.kind === 'stored' && answer.openBytes > this.#open.bytes) {
      const grown = answer.openBytes - this.#open.bytes
      this.#open = afterChunk(this.#open, grown, this.#deps.clock.now())
    }
    return answer
  }

  /** Cuts while the cutter says so, and adds jobs that could not be added before. */
  async tick(): Promise<void> {
    await this.repair()
    for (;;) {
      const decision = decide(this.#open, this.#options, this.#deps.clock.now())
      if (!decision) return
      await this.#cut(decision, decision.reason)
    }
  }

  /**
   * Cuts after a chunk, by default the last one stored; answers the index, the same one for a repeat, or
   * null if nothing was open. Throws `chunk_gap` if that chunk has not been stored.
   */
  async commit(through: number | undefined): Promise<number | null> {
    const all = { index: this.#open.index, endByte: undefined }
    const index = await this.#cut(through === undefined ? all : { through }, 'manual')
    await this.repair()
    return index
  }

  /** Cuts all that is left, whatever cuts are on their way. */
  async cutRest(reason: 'close' | 'disconnect'): Promise<void> {
    while ((await this.#cut({ index: this.#open.index, endByte: undefined }, reason)) !== null);
    await this.repair()
  }

  /** Adds the job of every cut that may have none yet, under the same id. */
  async repair(): Promise<void> {
    for (const cut of [...this.#unqueued.values()]) {
      await this.#deps.enqueue(this.#jobOf(cut))
      if (this.#unqueued.delete(cut.index)) this.#finalized(this.finalizedOf(cut))
    }
  }

  /** A cut as the client is told of it. */
  finalizedOf(cut: Cut): Finalized {
    const perMs = this.#options.bytesPerMs
    return {
      index: cut.index,
      reason: cut.reason,
      startMs: Math.round(cut.base / perMs),
      durationMs: Math.round(cut.bytes / perMs),
      ...(cut.continues && { continues: cut.index - 1 }),
    }
  }

  async #cut(at: CutPoint, reason: CutReason): Promise<number | null> {
    const answer = await this.#deps.scripts
      .cutAudio({
        session: this.id,
        epoch: this.epoch,
        reason,
        at,
        lifeMs: LIMITS.segmentLifeMs,
      })
      .catch((error: unknown) => {
        this.#unanswered.add(this.#open.index)
        throw error
      })
    switch (answer.kind) {
      case 'cut':
        this.#open = afterCut(this.#open, answer.cut.index, answer.cut.bytes)
        this.#unqueued.set(answer.cut.index, answer.cut)
        await this.repair()
        return answer.cut.index
      case 'repeat':
        if (this.#isNews(answer.index)) {
          const bytes = answer.cut?.bytes ?? this.#open.bytes
          this.#open = afterCut(this.#open, answer.index, bytes)
          if (answer.cut) this.#unqueued.set(answer.index, answer.cut)
          await this.repair()
        }
        return answer.index
      case 'empty':
        this.#open = emptyUtterance(this.#open.index)
        return null
      case 'gap':
        throw new LinguaError('chunk_gap', undefined, { details: { expected: answer.expected } })
      case 'superseded':
        throw new LinguaError('session_not_found', 'the session has moved to another connection')
      case 'unknown_session':
        throw new LinguaError('session_not_found')
    }
  }

  /** Whether a cut answered as a repeat is one whose first answer was lost. */
  #isNews(index: number): boolean {
    return this.#unanswered.delete(index) || index === this.#open.index
  }

  #jobOf(cut: Cut): UtteranceJob {
    return {
      v: 1,
      sessionId: this.id,
      index: cut.index,
      source: this.request.source,
      ...(this.request.candidates && { candidates: this.request.candidates }),
      target: this.request.target,
      reason: cut.reason,
      speech: this.request.speech ?? false,
      audio: {
        key: this.#deps.audioKeys.segment(this.id, cut.index),
        from: 0,
        bytes: cut.bytes,
        ...this.format,
      },
      startMs: this.finalizedOf(cut).startMs,
    }
  }
}
