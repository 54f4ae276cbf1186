import type { Clock } from '../platform/clock.ts'
import { entryOf } from '../platform/entry.ts'
import type { Log } from '../platform/log.ts'
import { LinguaError } from '../protocol/codes.ts'
import { SileroProcess, type SileroListener, type SileroStream } from './vad-silero-process.ts'

export interface Silero {
  /**
   * Begins a stream. Throws `engine_busy` if all places are taken, `engine_missing` if the process cannot
   * work, `engine_error` if it broke.
   */
  open(sampleRate: number, listener: SileroListener): Promise<SileroStream>
  /** Ends the process. */
  close(): Promise<void>
}

export interface SileroDeps {
  readonly clock: Clock
  readonly log: Log
  /** How many streams at once. */
  readonly places?: number | undefined
  /** Another program that speaks as the detector's process does, for tests. */
  readonly entry?: URL | undefined
}

/** Measured: so many take 280 MB and about half a core. */
const PLACES = 60
/** A process that broke is replaced when somebody asks, but not before this, ms. */
const PAUSE_MS = 5000

/**
 * The Silero detector, in a process of its own that starts at first need: a bad model must not take the
 * gateway along.
 */
export function createSilero({ clock, log, places = PLACES, entry }: SileroDeps): Silero {
  const program = entry ?? entryOf(import.meta.url, './vad-silero-child.ts')
  let current: SileroProcess | undefined
  let brokeAt = -Infinity
  let closed = false

  const running = (): SileroProcess => {
    if (current?.alive) return current
    if (closed || clock.now() < brokeAt + PAUSE_MS)
      throw new LinguaError('engine_missing', 'the process of the Silero detector does not run')
    current = new SileroProcess({
      program,
      clock,
      broken(why) {
        brokeAt = clock.now()
        if (!closed) log.warn({ err: why }, 'the process of the Silero detector broke')
      },
    })
    return current
  }
  return {
    async open(sampleRate, listener) {
      const life = running()
      if (life.streams < places) return life.open(sampleRate, listener)
      throw new LinguaError('engine_busy', 'all places of the Silero detector are taken')
    },
    async close() {
      closed = true
      current?.end()
      await current?.gone
    },
  }
}
