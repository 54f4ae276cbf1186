import type { Clock } from '../platform/clock.ts'
import type { LinguaError } from '../protocol/codes.ts'
import {
  afterChunk,
  afterCut,
  afterDrop,
  afterFrames,
  afterPlayback,
  decide,
  dueAt,
  openUtterance,
  speechOf,
  type CutterState,
  type Decision,
} from './endpointing-cutter.ts'
import { rulesOf, type Endpointing, type Frame, type Rules } from './endpointing.ts'
import type { Ear, Vads } from './vad.ts'

export interface OpenUtteranceDeps {
  readonly clock: Clock
  readonly vads: Pick<Vads, 'listen'>
  /** More has been heard: there may be something to cut. */
  readonly heard: () => void
  /** The detector that was asked for is not there (any longer). Told once. */
  readonly changed: (why: LinguaError) => void
}

export interface Opening extends Endpointing {
  readonly vad: 'light' | 'silero' | undefined
  readonly index: number
  /** Bytes of the session before the utterance. */
  readonly base: number
  readonly nextChunk: number
  /** What is stored of it already. */
  readonly audio: Uint8Array
}

/**
 * The open utterance of a session as the gateway sees it that holds its connection: what is stored of it,
 * what was heard in it, and what is to be done. It never does it: cuts and drops are made in the audio
 * plane and told here afterwards.
 */
export class OpenUtterance {
  readonly rules: Rules
  readonly #clock: Clock
  /** Stored before one that came earlier is known to be: that answer was lost, and it is sent again. */
  readonly #early = new Map<number, Uint8Array>()
  #ear: Ear | undefined
  #nextChunk: number
  #state: CutterState

  private constructor(clock: Clock, opening: Opening) {
    const { index, base, nextChunk, audio } = opening
    this.#clock = clock
    this.rules = rulesOf(opening)
    this.#nextChunk = nextChunk
    this.#state = openUtterance({ index, base })
    if (audio.length > 0) this.#state = afterChunk(this.#state, audio.length, clock.now())
  }

  /** Begins to listen, first to what is stored. */
  static async open(
    { clock, vads, heard, changed }: OpenUtteranceDeps,
    opening: Opening,
  ): Promise<OpenUtterance> {
    const open = new OpenUtterance(clock, opening)
    const { mode, vad, sampleRate, audio } = opening
    open.#ear = await vads.listen({
      ...{ mode, vad, sampleRate, changed },
      heard(frames) {
        open.#hear(frames)
        heard()
      },
    })
    open.#ear.hear(audio)
    await open.#ear.settled()
    return open
  }
