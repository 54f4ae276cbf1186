import type { Cut } from '../../lua/audio.ts'
import { LIMITS } from '../platform/limits.ts'
import {
  BYTES_PER_SAMPLE,
  type AudioFormat,
  type Finalized,
  type StartRequest,
} from '../protocol/events.ts'
import type { SessionId } from '../protocol/ids.ts'
import type { UtteranceJob } from '../protocol/jobs.ts'
import { unsettled } from './pending.ts'
import type { SessionDeps } from './sessions.ts'
import { utteranceJob } from './utterance-job.ts'

/** Cuts that are remembered: more than can be made while Redis has nothing on its disk. */
const MOST_REMEMBERED = 32

interface Speech {
  readonly id: SessionId
  readonly request: StartRequest
  readonly format: AudioFormat
}

/**
 * The cuts of a session on their way to their results:
 *
 *   made -> job added, finalized told -> result told
 *
 * A cut whose job could not be added is tried again by `repair`; the audio plane holds it as pending all
 * the while.
 */
export class Cuts {
  /** Those found pending when the session was opened: their outcomes are still to come. */
  readonly pending: readonly Cut[]
  readonly #deps: Pick<SessionDeps, 'enqueue' | 'audioKeys' | 'audio' | 'settled'>
  readonly #speech: Speech
  readonly #bytesPerMs: number
  readonly #unqueued = new Map<number, Cut>()
  readonly #unfinished = new Map<number, Cut>()
  /** Jobs on their way: whoever repairs meanwhile waits for them and adds none a second time. */
  readonly #adding = new Map<number, Promise<void>>()
  /** Cuts that were pending when the session was touched last. */
  #pendingThen: ReadonlySet<number> = new Set()
  #made: readonly Cut[] = []
  #finalized: (finalized: Finalized) => void = () => {}

  /** `unqueued`: those of the pending ones that may have no job. */
  constructor(
    deps: Pick<SessionDeps, 'enqueue' | 'audioKeys' | 'audio' | 'settled'>,
    speech: Speech,
    { pending, unqueued }: { readonly pending: readonly Cut[]; readonly unqueued: readonly Cut[] },
  ) {
    this.#deps = deps
    this.#speech = speech
    this.#bytesPerMs = (speech.format.sampleRate * BYTES_PER_SAMPLE) / 1000
    this.pending = pending
    for (const cut of pending) this.#unfinished.set(cut.index, cut)
    for (const cut of unqueued) this.#unqueued.set(cut.index, cut)
  }

  /** Who is told of each cut, as soon as its job is added. */
  onFinalized(tell: (finalized: Finalized) => void): void {
    this.#finalized = tell
  }

  /** The last ones made here, oldest first: an audio plane that came back older is told of them. */
  get made(): readonly Cut[] {
    return this.#made
  }

  /** Those whose final result was not told yet, the oldest first. */
  get unfinished(): ReadonlyMap<number, Cut> {
    return this.#unfinished
  }

  /** Whether as many are unfinished as a session may have. */
  get areMany(): boolean {
    return this.#unfinished.size >= LIMITS.maxUnfinished
  }

  /** Whether each has its job. */
  get areQueued(): boolean {
    return this.#unqueued.size === 0
  }

  /** One more was made: `repair` adds its job. */
  add(cut: Cut): void {
    this.#unqueued.set(cut.index, cut)
    this.#unfinished.set(cut.index, cut)
    this.#made = [...this.#made, cut].slice(-MOST_REMEMBERED)
  }

  /** The final result of this index was told. */
  finish(index: number): void {
    this.#unfinished.delete(index)
  }

  /** Adds the job of every cut that may have none yet, under the same id. */
  async repair(): Promise<void> {
    for (const cut of [...this.#unqueued.values()]) {
      const adding = this.#adding.get(cut.index) ?? this.#enqueue(cut)
      this.#adding.set(cut.index, adding)
      await adding
    }
  }

  /**
   * Mends what may have gone wrong since it was asked last: cuts that are still pending get their jobs
   * once more, unless they have their outcome.
   */
  async mend(pending: readonly Cut[]): Promise<void> {
    const long = pending.filter(({ index }) => this.#pendingThen.has(index))
    this.#pendingThen = new Set(pending.map(({ index }) => index))
    for (const cut of await unsettled(this.#deps, this.#speech.id, long))
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

  async #enqueue(cut: Cut): Promise<void> {
    try {
      await this.#deps.enqueue(this.#jobOf(cut))
      if (this.#unqueued.delete(cut.index)) this.#finalized(this.finalizedOf(cut))
    } finally {
      this.#adding.delete(cut.index)
    }
  }

  #jobOf(cut: Cut): UtteranceJob {
    const key = this.#deps.audioKeys.segment(this.#speech.id, cut.index)
    return utteranceJob(this.#speech, cut, { key, startMs: this.startMsOf(cut.base) })
  }
}
