import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Apertium's names of languages, two or three letters by the age of the pair, as tags on the wire. */
const TAGS: Readonly<Record<string, string>> = {
  en: 'en',
  eng: 'en',
  spa: 'es',
  cat: 'ca',
  eo: 'eo',
  gl: 'gl',
}

/** One direction of a language pair as it lies on disk. */
export interface Mode {
  /** Such as `eng-spa`. */
  readonly name: string
  readonly source: string
  readonly target: string
  readonly script: string
}

/** The installed modes that translate out of `source`; none if Apertium is not installed. */
export async function findModes(folder: string, source: string): Promise<readonly Mode[]> {
  const files = await readdir(folder).catch(() => [])
  const modes: Mode[] = []
  for (const file of files) {
    const [, name = '', from = '', to = ''] = /^((\w+)-(\w+))\.mode$/.exec(file) ?? []
    const target = TAGS[to]
    if (TAGS[from] !== source || target === undefined) continue
    const line = await readFile(join(folder, file), 'utf8')
    modes.push({ name, source, target, script: pipelineScript(line) })
  }
  return modes
}

/**
 * The shell script that runs the stages of a mode (its file is one line) as a pipeline that answers
 * each request as it comes. The shell keeps neither end open, so that both see when a stage dies.
 */
export function pipelineScript(mode: string): string {
  // `$1` is how words are written: `-n` leaves out the marks at unknown ones. `$2` only adds detail.
  const stages = mode.trim().replaceAll('$1', '-n').replaceAll('$2', '').split('|')
  const last = stages.length - 1
  const joined = stages.map((stage, n) => {
    const flushing = stage.trim().replace(/^\S+/, '$& -z')
    return `${flushing}${n === 0 ? ' <&3' : ''}${n === last ? ' >&4' : ''} 3<&- 4>&-`
  })
  return `export LC_ALL=C.UTF-8
exec 3<&0 4>&1 </dev/null >/dev/null
${joined.join(' | ')} &
exec 3<&- 4>&-
wait`
}
