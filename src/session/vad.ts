import type { LinguaError } from '../protocol/codes.ts'
import type { EndpointingMode } from '../protocol/events.ts'
import type { Frame } from './endpointing.ts'
import { openLightVad, openMeter, type Judge } from './vad-light.ts'
import { createSilero, type SileroDeps } from './vad-silero.ts'
import { SileroEar } from './vad-silero-ear.ts'

/**
 * What a session gets that asks for no detector. Silero hears better in noise, but each session costs it
 * 2.7 MB and 4 to 8 ms of work per second of audio: 300 of them took 880 MB, and it could not keep pace.
 */
const DEFAULT_VAD = 'light'

export interface Listening {
  readonly mode: EndpointingMode
  readonly vad?: 'light' | 'silero' | undefined
  readonly sampleRate: number
  /** Takes what was judged, in order and without gaps: at once, or later where a process judges. */
  readonly heard: (frames: readonly Frame[]) => void
  /** Told once if the session does not have the detector that it asked for (any longer), and why. */
  readonly changed: (why: LinguaError) => void
}

/** Listens to the audio of one session. */
export interface Ear {
  /** What comes next, as it is stored. */
  hear(pcm: Uint8Array): void
  /** Resolves when all that was given before has been judged, but for a last piece of a frame. */
  settled(): Promise<void>
  close(): void
}

export interface Vads {
  /** Begins to listen. Never fails for want of a detector: `light` is always there. */
  listen(listening: Listening): Promise<Ear>
  close(): Promise<void>
}

/** Loads the light detector; the process of the other one starts when a first session asks for it. */
export async function openVads(deps: SileroDeps): Promise<Vads> {
  const light = await openLightVad()
  const silero = createSilero(deps)
  return {
    async listen({ mode, vad = DEFAULT_VAD, sampleRate, heard, changed }) {
      if (mode !== 'vad') return earOf(openMeter(sampleRate), heard)
      const judge = await light.open(sampleRate)
      if (vad === 'light') return earOf(judge, heard)
      const ear = new SileroEar({ heard, changed, light: judge })
      await ear.open(silero, sampleRate)
      return ear
    },
    close: () => silero.close(),
  }
}

const earOf = (judge: Judge, heard: Listening['heard']): Ear => ({
  hear: (pcm) => heard(judge.judge(pcm)),
  settled: () => Promise.resolve(),
  close: () => judge.close(),
})
