import type { Log } from '../../src/platform/log.ts'
import { LinguaError } from '../../src/protocol/codes.ts'
import { findModes, type Mode } from './apertium-modes.ts'
import { ChildPool } from './child-pool.ts'
import { ApertiumPipeline } from './apertium-pipeline.ts'
import { asSentence } from './sentence.ts'

export interface Translator {
  /** Such as `eng-spa`. */
  readonly modes: readonly string[]
  readonly pairs: readonly (readonly [source: string, target: string])[]
  /**
   * One utterance, as a sentence; '' stays ''. Rejects with `signal.reason` once aborted, with
   * `engine_error` if the pipeline breaks, `engine_missing` for a pair that is not there or cannot start.
   */
  translate(text: string, pair: readonly [string, string], signal: AbortSignal): Promise<string>
  close(): Promise<void>
}

export interface TranslatorDeps {
  /** Only directions out of this language are opened. */
  readonly source: string
  readonly log?: Log | undefined
  /** Where the mode files lie. */
  readonly folder?: string
  /** A pipeline whose stages hold more memory than this together is replaced between two sentences, MB. */
  readonly mostMB?: number
}

/** Healthy ones take 120 MB, and stay there. */
const MOST_MB = 600

interface Running {
  readonly mode: Mode
  readonly pool: ChildPool<ApertiumPipeline>
}

/** Starts one pipeline for each installed direction out of `source`; a direction that cannot start is left out. */
export async function openTranslator(deps: TranslatorDeps): Promise<Translator> {
  const modes = await findModes(deps.folder ?? '/usr/share/apertium/modes', deps.source)
  const opened = await Promise.all(modes.map((mode) => openMode(mode, deps)))
  const running = opened.filter((each) => each !== undefined)
  return {
    modes: running.map(({ mode }) => mode.name),
    pairs: running.map(({ mode }) => [mode.source, mode.target]),
    async translate(text, [source, target], signal) {
      const sentence = asSentence(text)
      if (sentence === '') return ''
      const found = running.find(({ mode }) => mode.source === source && mode.target === target)
      if (!found)
        throw new LinguaError(
          'engine_missing',
          `no Apertium pair for ${source} to ${target} is here`,
        )
      const pipeline = await found.pool.take(signal)
      const answer = pipeline.ask(sentence, signal)
      // Not waiting for the answer: requests follow one another into the pipeline.
      found.pool.put(pipeline)
      return await answer
    },
    async close() {
      await Promise.all(running.map(({ pool }) => pool.close()))
    },
  }
}

async function openMode(
  mode: Mode,
  { log, mostMB = MOST_MB }: TranslatorDeps,
): Promise<Running | undefined> {
  const pool = new ChildPool({
    name: `Apertium ${mode.name}`,
    size: 1,
    log,
    begin: () => new ApertiumPipeline(mode.script, mostMB),
  })
  try {
    return { mode, pool: await pool.open() }
  } catch {
    // The pool has logged why.
    return undefined
  }
}
