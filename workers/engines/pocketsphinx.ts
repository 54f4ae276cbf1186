import { entryOf } from '../../src/platform/entry.ts'
import type { Log } from '../../src/platform/log.ts'
import { ChildPool } from './child-pool.ts'
import { Decoder, type Audio } from './decoder.ts'

/** Speech in English to words: lower case, without punctuation, '' if there are none. */
export interface Recognizer {
  /**
   * Waits its turn, first come first served. Rejects with `signal.reason` once aborted (and kills the
   * decoder at work), with `engine_error` if the decoder fails, `engine_missing` while none can start.
   */
  recognize(audio: Audio, signal: AbortSignal): Promise<string>
  close(): Promise<void>
}

export interface RecognizerDeps {
  /** How many utterances at once: each takes a process, 150 MB and, while it works, a core. */
  readonly decoders: number
  readonly log?: Log | undefined
  /** Another program that speaks as a decoder's process does, for tests. */
  readonly entry?: URL
  /** A decoder that holds more memory than this is replaced between two utterances, MB. */
  readonly mostMB?: number
}

/** A healthy one takes 170 MB, and stays there. */
const MOST_MB = 500

/** Starts PocketSphinx and waits for the first decoder. Throws `engine_missing` if it is not installed. */
export async function openRecognizer(deps: RecognizerDeps): Promise<Recognizer> {
  const entry = deps.entry ?? entryOf(import.meta.url, './pocketsphinx-child.ts')
  const pool = await new ChildPool({
    name: 'PocketSphinx',
    size: deps.decoders,
    log: deps.log,
    begin: () => new Decoder(entry, deps.mostMB ?? MOST_MB),
  }).open()
  return {
    async recognize(audio, signal) {
      const decoder = await pool.take(signal)
      try {
        return await decoder.decode(audio, signal)
      } finally {
        pool.put(decoder)
      }
    },
    close: () => pool.close(),
  }
}
