import { LinguaError } from '../protocol/codes.ts'
import type { Frame } from './endpointing.ts'
import type { Judge } from './vad-light.ts'
import type { SileroStream } from './vad-silero-process.ts'
import type { Silero } from './vad-silero.ts'
import type { Ear, Listening } from './vad.ts'

export interface SileroEarDeps extends Pick<Listening, 'heard' | 'changed'> {
  /** Takes over, open and unused till then. */
  readonly light: Judge
}

/**
 * Listens through the process of the Silero detector:
 *
 *   opening -> far -> (refused, dead, hung or too late) -> near: the light detector, for the rest
 *
 * It keeps what has not been judged, which the light detector then judges first: nothing is left out.
 */
export class SileroEar implements Ear {
  readonly #deps: SileroEarDeps
  #far: SileroStream | undefined
  #near = false
  #unjudged: Uint8Array[] = []

  constructor(deps: SileroEarDeps) {
    this.#deps = deps
  }

  /** Asks for a place; without one this listens through the light detector and says so. */
  async open(silero: Silero, sampleRate: number): Promise<void> {
    try {
      this.#far = await silero.open(sampleRate, {
        judged: (frames) => this.#judged(frames),
        lost: (why) => this.#comeNear(why),
      })
    } catch (cause) {
      const missing = (): LinguaError => new LinguaError('engine_missing', undefined, { cause })
      this.#comeNear(cause instanceof LinguaError ? cause : missing())
    }
  }

  hear(pcm: Uint8Array): void {
    if (this.#near) {
      this.#deps.heard(this.#deps.light.judge(pcm))
      return
    }
    this.#unjudged.push(pcm)
    this.#far?.hear(pcm)
  }

  settled(): Promise<void> {
    return this.#far?.settled() ?? Promise.resolve()
  }

  close(): void {
    this.#near = true
    this.#far?.close()
    this.#deps.light.close()
    this.#unjudged = []
  }

  #judged(frames: readonly Frame[]): void {
    if (this.#near) return
    let bytes = frames.reduce((sum, frame) => sum + frame.bytes, 0)
    while (bytes > 0) {
      const [first, ...rest] = this.#unjudged
      if (!first) break
      const left = first.subarray(bytes)
      bytes -= first.length - left.length
      this.#unjudged = left.length > 0 ? [left, ...rest] : rest
    }
    this.#deps.heard(frames)
  }

  #comeNear(why: LinguaError): void {
    if (this.#near) return
    this.#near = true
    this.#far = undefined
    const missed = Buffer.concat(this.#unjudged)
    this.#unjudged = []
    this.#deps.heard(this.#deps.light.judge(missed))
    this.#deps.changed(why)
  }
}
