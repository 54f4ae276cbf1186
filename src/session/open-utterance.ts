import type { AudioKeys } from '../../lua/keys.ts'
import type { Opened } from '../../lua/audio.ts'
import type { AudioStore } from '../platform/audio.ts'
import type { Clock } from '../platform/clock.ts'
import { LIMITS } from '../platform/limits.ts'
import type { LinguaError } from '../protocol/codes.ts'
import type { AudioFormat, StartRequest } from '../protocol/events.ts'
import type { SessionId } from '../protocol/ids.ts'
import {
  afterChunk,
  afterCrowding,
  afterCut,
  afterDrop,
  afterFrames,
  afterPlayback,
  decide,
  dueAt,
  emptyUtterance,
  isFull,
  speechOf,
  type CutterState,
  type Decision,
} from './cutter.ts'
import { rulesOf, type Frame, type Rules } from './endpointing.ts'
import type { Ear, Vads } from './vad.ts'

export interface OpenUtteranceDeps {
  readonly clock: Clock
  readonly audio: Pick<AudioStore, 'read'>
  readonly audioKeys: AudioKeys
  readonly vads: Pick<Vads, 'listen'>
}

export interface Opening {
  readonly id: SessionId
  readonly request: StartRequest
  readonly format: AudioFormat
  readonly audio: Extract<Opened, { kind: 'opened' }>
}

/**
 * The open utterance of a session as the gateway sees it that holds its connection: what is stored of it,
 * what was heard in it, what is to be done with it. Cuts and drops are made in the audio plane, and told
 * here when they are.
 */
export class OpenUtterance {
  readonly #clock: Clock
  readonly #rules: Rules
  /** Stored, but not the chunk before: its answer was lost, and it is sent again. */
  readonly #early = new Map<number, Uint8Array>()
  #nextChunk: number
  #state: CutterState
  #ear: Ear | undefined
  #onHeard: () => void = () => {}
  #onChanged: ((why: LinguaError) => void) | undefined
  #changed: LinguaError | undefined

  private constructor(clock: Clock, { request, format, audio }: Opening) {
    const { mode = 'vad', pauseMs, maxDurationMs } = request.endpointing ?? {}
    this.#clock = clock
    this.#rules = rulesOf({
      mode,
      pauseMs: pauseMs ?? LIMITS.pauseMs,
      maxDurationMs: maxDurationMs ?? LIMITS.maxDurationMs,
      sampleRate: format.sampleRate,
    })
    this.#nextChunk = audio.nextChunk
    this.#state = emptyUtterance(audio.index, audio.base)
  }

  /** Begins to listen, at the beginning of what is stored. */
  static async open(deps: OpenUtteranceDeps, opening: Opening): Promise<OpenUtterance> {
    const { id, request, format, audio } = opening
    const open = new OpenUtterance(deps.clock, opening)
    open.#ear = await deps.vads.listen({
      mode: open.#rules.mode,
      vad: request.endpointing?.vad,
      sampleRate: format.sampleRate,
      heard: (frames) => open.#hear(frames),
      changed: (why) => open.#change(why),
    })
    if (audio.openBytes === 0) return open
    const key = deps.audioKeys.segment(id, audio.index)
    const stored = await deps.audio.read({ key, from: 0, bytes: audio.openBytes, ...format })
    open.#append(stored)
    await open.settled()
    return open
  }

  get index(): number {
    return this.#state.index
  }

  /** Whether silence is told from speech, and audio without speech is no utterance. */
  get hearsSilence(): boolean {
    return this.#rules.mode === 'vad'
  }

  /** What to do now. */
  get decision(): Decision | undefined {
    return decide(this.#state, this.#rules, this.#clock.now())
  }

  /** When to look again if nothing comes; undefined for never. */
  get dueAt(): number | undefined {
    return dueAt(this.#state, this.#rules, this.#clock.now())
  }

  /** Where its speech begins and from where on it is enough, in bytes of the session. */
  get speech(): { readonly begin: number; readonly enough: number } {
    return speechOf(this.#state, this.#rules)
  }

  /** Who is told that more has been heard: there may be something to do. */
  onHeard(tell: () => void): void {
    this.#onHeard = tell
  }

  /** Who is told, once, that the detector asked for is not there (any longer). */
  onChanged(tell: (why: LinguaError) => void): void {
    this.#onChanged = tell
    if (this.#changed) tell(this.#changed)
  }

  /** The plane has this chunk. Told in any order and more than once, each counts once and in order. */
  stored(chunk: number, pcm: Uint8Array): void {
    if (chunk >= this.#nextChunk) this.#early.set(chunk, pcm)
    for (;;) {
      const next = this.#early.get(this.#nextChunk)
      if (!next) return
      this.#early.delete(this.#nextChunk)
      this.#nextChunk += 1
      this.#append(next)
    }
  }

  /** The utterance `index` was cut and ended at that byte of the session, by default with all there was. */
  cut(index: number, end = this.#state.stored): void {
    this.#state = afterCut(this.#state, index, end)
  }

  /** What lay before that byte of the session was dropped. */
  dropped(before: number): void {
    this.#state = afterDrop(this.#state, before)
  }

  /** Nothing of what was stored is there any more. */
  vanished(): void {
    this.#state = afterDrop(this.#state, this.#state.stored)
  }

  /** Something is played to the speaker for `forMs` at most; undefined: no longer. */
  playing(forMs: number | undefined): void {
    const until = forMs === undefined ? undefined : this.#clock.now() + forMs
    this.#state = afterPlayback(this.#state, until)
  }

  /** So much is unfinished that nothing may be cut, or no longer. */
  crowd(isCrowded: boolean): void {
    this.#state = afterCrowding(this.#state, isCrowded)
  }

  /** Whether it will be as long as an utterance may be, with so many more bytes. */
  isFullWith(bytes: number): boolean {
    return isFull({ ...this.#state, stored: this.#state.stored + bytes }, this.#rules)
  }

  /** Resolves when all that is stored has been heard. */
  async settled(): Promise<void> {
    await this.#ear?.settled()
  }

  /** Listens no longer. */
  close(): void {
    this.#ear?.close()
  }

  #append(pcm: Uint8Array): void {
    this.#state = afterChunk(this.#state, pcm.length, this.#clock.now())
    this.#ear?.hear(pcm)
  }

  #hear(frames: readonly Frame[]): void {
    if (frames.length === 0) return
    this.#state = afterFrames(this.#state, this.#rules, frames)
    this.#onHeard()
  }

  #change(why: LinguaError): void {
    this.#changed = why
    this.#onChanged?.(why)
  }
}
