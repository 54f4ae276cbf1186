import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const RECORDINGS = '/usr/share/pocketsphinx/test/data/librivox'
const WAV_HEADER_BYTES = 44

export interface Recording {
  readonly name: string
  readonly said: string
  readonly pcm: Buffer
  readonly sampleRate: number
}

/** Files that show a program of the real engines to be installed. */
export const PROGRAMS = {
  pocketsphinx: '/usr/share/pocketsphinx/model/en-us/en-us.lm.bin',
  recordings: `${RECORDINGS}/transcription`,
  apertium: '/usr/share/apertium/modes/eng-spa.mode',
  espeak: '/usr/bin/espeak-ng',
} as const

/** Whether to skip: a program is missing. In CI nothing is skipped, so that the tests fail instead. */
export const lacks = (...programs: readonly (keyof typeof PROGRAMS)[]): boolean =>
  !process.env['CI'] && programs.some((program) => !existsSync(PROGRAMS[program]))

/** Five sentences of real speech, 3 to 7 s, with what is said in them. */
export function readRecordings(): readonly Recording[] {
  const lines = readFileSync(PROGRAMS.recordings, 'utf8').trim().split('\n')
  return lines.map((line) => {
    const [, said = '', name = ''] = /^<s> (.*) <\/s> \((.*)\)$/.exec(line) ?? []
    const wav = readFileSync(join(RECORDINGS, `${name}.wav`))
    return {
      name,
      // A slip of the file: the speaker says it right.
      said: said.replace('more a amiable', 'more amiable'),
      pcm: wav.subarray(WAV_HEADER_BYTES),
      sampleRate: wav.readUInt32LE(24),
    }
  })
}
