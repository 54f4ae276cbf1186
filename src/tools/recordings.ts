import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { LinguaError } from '../protocol/codes.ts'
import { readWav } from './wav.ts'

export interface Recording {
  readonly name: string
  readonly sampleRate: number
  /** pcm_s16le, mono. */
  readonly pcm: Buffer
  readonly durationMs: number
}

/** Real speech that Debian's pocketsphinx-testdata brings: five sentences of one LibriVox reader. */
const LIBRIVOX = '/usr/share/pocketsphinx/test/data/librivox'
export const LIBRIVOX_FILES = ['0870', '0880', '0890', '0920', '0930'].map(
  (number) => `${LIBRIVOX}/sense_and_sensibility_01_austen_64kb-${number}.wav`,
)

/** Reads a WAV file. Throws `bad_request` if there is none, `unsupported_audio` if it is not PCM. */
export async function openRecording(file: string): Promise<Recording> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new LinguaError('bad_request', `cannot read ${file}`, { cause })
  })
  const { sampleRate, samples } = readWav(bytes)
  const pcm = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)
  return {
    name: basename(file, '.wav').replace('sense_and_sensibility_01_austen_64kb-', 'librivox-'),
    sampleRate,
    pcm,
    durationMs: (samples.length * 1000) / sampleRate,
  }
}
