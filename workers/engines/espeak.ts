import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { LinguaError } from '../../src/protocol/codes.ts'
import type { Synthesized } from '../engine.ts'

export interface Speaker {
  readonly version: string
  /** Language tags it has a voice for. */
  readonly voices: ReadonlySet<string>
  /**
   * Speaks `text`; undefined if nothing in it can be said. Rejects with `signal.reason` once aborted,
   * with `engine_missing` without a voice for `language`, with `engine_error` if the program fails.
   */
  speak(text: string, language: string, signal: AbortSignal): Promise<Synthesized | undefined>
}

const PROGRAM = 'espeak-ng'
/** A sentence takes 15 ms. */
const TIMEOUT_MS = 10_000
/** Ten minutes of speech. */
const MAX_BYTES = 32 * 1024 * 1024

const run = promisify(execFile)

/** Asks eSpeak NG for its voices; undefined if it is not installed. */
export async function openSpeaker(): Promise<Speaker | undefined> {
  const version = await ask('--version')
  const voices = await ask('--voices')
  if (version === undefined || voices === undefined) return undefined
  const spoken = parseVoices(voices)
  return {
    version: /\d+(\.\d+)+/.exec(version)?.[0] ?? 'of unknown version',
    voices: spoken,
    async speak(text, language, signal) {
      signal.throwIfAborted()
      if (!spoken.has(language))
        throw new LinguaError('engine_missing', `eSpeak NG has no voice for ${language} here`)
      if (!/[\p{L}\p{N}]/u.test(text)) return undefined
      return parseWav(await synthesize(text, language, signal))
    },
  }
}

async function ask(option: string): Promise<string | undefined> {
  const answer = await run(PROGRAM, [option], { timeout: TIMEOUT_MS }).catch(() => undefined)
  return answer?.stdout
}

/** The tags in the second column of `espeak-ng --voices`, under a line of titles. */
function parseVoices(table: string): ReadonlySet<string> {
  const rows = table.trim().split('\n').slice(1)
  const tags = rows.map((row) => row.trim().split(/\s+/)[1])
  return new Set(tags.filter((tag) => tag !== undefined).map((tag) => tag.toLowerCase()))
}

async function synthesize(text: string, voice: string, signal: AbortSignal): Promise<Buffer> {
  // `-b 1` is UTF-8, whatever the locale.
  const running = run(PROGRAM, ['--stdin', '--stdout', '-b', '1', '-v', voice], {
    encoding: 'buffer',
    maxBuffer: MAX_BYTES,
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    signal,
  })
  // It may end before it has read everything; why, its end tells.
  running.child.stdin?.on('error', () => {})
  running.child.stdin?.end(speakable(text))
  try {
    const { stdout } = await running
    return stdout
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')
      throw new LinguaError('engine_missing', 'eSpeak NG is not here any more', { cause })
    throw new LinguaError('engine_error', 'eSpeak NG failed on this text', { cause })
  }
}

/** What eSpeak would take for phonemes, `[[` to `]]`, is taken apart. */
const speakable = (text: string): string => text.replaceAll(/[[\]\p{Cc}]/gu, ' ')

/** The samples of a streamed WAV file, whose header does not know their number. */
function parseWav(wav: Buffer): Synthesized {
  const data = wav.indexOf('data', 12, 'latin1')
  if (wav.toString('latin1', 0, 4) !== 'RIFF' || data < 0)
    throw new LinguaError('engine_error', 'eSpeak NG wrote something else than a WAV file')
  const from = data + 8
  const bytes = wav.subarray(from, from + 2 * Math.floor((wav.length - from) / 2))
  return { bytes, encoding: 'pcm_s16le', sampleRate: wav.readUInt32LE(24) }
}
