import type { Log } from '../../src/platform/log.ts'
import { LinguaError } from '../../src/protocol/codes.ts'
import { BYTES_PER_SAMPLE } from '../../src/protocol/events.ts'
import type { Engine, Stages, Synthesized, Utterance } from '../engine.ts'
import { openTranslator, type Translator } from './apertium.ts'
import type { Audio } from './decoder.ts'
import { openSpeaker, type Speaker } from './espeak.ts'
import { openRecognizer, type Recognizer } from './pocketsphinx.ts'
import { asSentence } from './sentence.ts'

export interface LocalEngineDeps {
  /** How many utterances are recognized at once; each takes a process, 150 MB and a core. */
  readonly decoders: number
  readonly log?: Log | undefined
  /** Other programs in the place of PocketSphinx and Apertium, for tests. */
  readonly entry?: URL
  readonly folder?: string
}

/** The language of the one model there is. */
const SPOKEN = 'en'
const MIN_RATE = 8000
const MAX_RATE = 48_000
const INSTALL = [
  ...['apt-get', 'install', '-y', '--no-install-recommends'],
  ...['libpocketsphinx3', 'pocketsphinx-en-us', 'apertium', 'apertium-eng-spa', 'espeak-ng'],
].join(' ')
/** One second, at the lowest rate. */
const SILENCE = Buffer.alloc(MIN_RATE * BYTES_PER_SAMPLE)

interface Programs {
  readonly recognizer: Recognizer
  readonly translator: Translator
  readonly speaker: Speaker | undefined
}

/**
 * Opens the programs of this machine: PocketSphinx, Apertium and eSpeak NG. The engine offers what
 * they are really able to do; without a voice it translates in writing only. Without recognition or
 * without a single pair it throws `engine_missing`, saying what to install.
 */
export async function openLocalEngine(deps: LocalEngineDeps): Promise<Engine> {
  const programs = await openPrograms(deps)
  const { recognizer, translator, speaker } = programs
  const targets = translator.pairs.map(([, target]) => target)
  return {
    name: 'local',
    parts: [
      'PocketSphinx en-US',
      ...translator.modes.map((mode) => `Apertium ${mode}`),
      ...(speaker ? [`eSpeak NG ${speaker.version}`] : []),
    ],
    languages: {
      recognize: [SPOKEN],
      translate: translator.pairs,
      synthesize: targets.filter((target) => speaker?.voices.has(target)),
    },
    warmUp: (signal) => warmUp(programs, deps.decoders, signal),
    begin: (utterance) => beginStages(programs, utterance),
    async close() {
      await Promise.all([recognizer.close(), translator.close()])
    },
  }
}

async function openPrograms(deps: LocalEngineDeps): Promise<Programs> {
  const { log } = deps
  const [recognizer, translator, speaker] = await Promise.all([
    openRecognizer(deps).catch((error: unknown) =>
      missing(error instanceof LinguaError ? error.message : 'PocketSphinx fails', error),
    ),
    openTranslator({ ...deps, source: SPOKEN }),
    openSpeaker(),
  ])
  if (recognizer instanceof LinguaError) {
    await translator.close()
    throw recognizer
  }
  if (translator.pairs.length === 0) {
    await recognizer.close()
    throw missing('no Apertium pair out of English works here')
  }
  if (!speaker) log?.warn('eSpeak NG is not installed: there will be no speech')
  return { recognizer, translator, speaker }
}

const missing = (why: string, cause?: unknown): LinguaError =>
  new LinguaError('engine_missing', `${why}. Install what is missing: ${INSTALL}`, { cause })

/** One round of everything. Speech in any language will do to warm a decoder. */
async function warmUp(
  { recognizer, translator, speaker }: Programs,
  decoders: number,
  signal: AbortSignal,
): Promise<void> {
  let speech: Synthesized | undefined
  for (const pair of translator.pairs) {
    const text = await translator.translate('Hello.', pair, signal)
    if (speaker?.voices.has(pair[1])) speech ??= await speaker.speak(text, pair[1], signal)
  }
  const audio = { pcm: speech?.bytes ?? SILENCE, sampleRate: speech?.sampleRate ?? MIN_RATE }
  await Promise.all(Array.from({ length: decoders }, () => recognizer.recognize(audio, signal)))
}

function beginStages({ recognizer, translator, speaker }: Programs, utterance: Utterance): Stages {
  const { signal, source, target, candidates } = utterance
  return {
    async recognize() {
      const auto = source === 'auto'
      if (auto ? !candidates?.includes(SPOKEN) : source !== SPOKEN)
        throw new LinguaError('engine_missing', `only ${SPOKEN} is recognized here, not ${source}`)
      const text = asSentence(await recognizer.recognize(checkAudio(utterance), signal))
      return auto ? { text, detected: SPOKEN } : { text }
    },
    translate: (text, from) => translator.translate(text, [from, target], signal),
    async synthesize(text) {
      if (!speaker) throw new LinguaError('engine_missing', 'eSpeak NG is not installed here')
      return await speaker.speak(text, target, signal)
    },
  }
}

function checkAudio({ audio, sampleRate }: Utterance): Audio {
  if (audio.length % BYTES_PER_SAMPLE !== 0)
    throw new LinguaError('bad_audio', `${audio.length} bytes are not a whole number of samples`)
  if (sampleRate < MIN_RATE || sampleRate > MAX_RATE)
    throw new LinguaError('bad_audio', `${sampleRate} Hz is not within ${MIN_RATE} to ${MAX_RATE}`)
  return { pcm: audio, sampleRate }
}
