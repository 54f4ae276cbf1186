import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { wantsColor } from '../../src/platform/config.ts'
import { chartOf } from './chart.ts'
import { listenForEnding } from './ending.ts'
import { machineLine } from './machine.ts'
import { measureAll } from './measure.ts'
import { FILES, readResult, writeResult, type Result } from './result.ts'
import { verdictOf } from './row.ts'
import { ROWS } from './rows.ts'
import { writeSection } from './section.ts'
import { tableOf } from './table.ts'

const HELP = `
Usage: npm run bench [-- [--full] [--save] [ROW ...]]

Measures LinguaMQ against floors that are measured in the same run, in turns, on a private Redis.
About 3 minutes, with --full about 20. Exits 1 when a figure misses its must or a row fails.

  ROW       measure only these: ${ROWS.map(({ name }) => name).join(' ')}
  --full    every row, and more rounds
  --save    keep the result: test/bench/result.json, test/bench/growth.svg, the README's section
  --readme  measure nothing: write chart and section again from the result that was kept
  --help    show this
`

const say = (line: string): void => void process.stderr.write(`${line}\n`)

async function main(ending: AbortSignal): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      full: { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
      readme: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(`${HELP.trim()}\n`)
    return 0
  }
  if (values.readme) {
    await writeViews(await readResult())
    return 0
  }
  const { full } = values
  const result = await measureAll({ rows: choose(positionals, full), full, tell: say }, ending)
  const lines = ['', ...tableOf(result.figures, wantsColor(process.stdout))]
  process.stdout.write(`${lines.join('\n')}\n\n${machineLine(result.machine)}\n`)
  if (values.save) {
    await writeResult(result)
    await writeViews(await readResult())
  }
  const missed = result.figures.some((figure) => verdictOf(figure) === 'missed')
  return missed || result.skipped.length > 0 ? 1 : 0
}

function choose(names: readonly string[], full: boolean) {
  const unknown = names.find((name) => !ROWS.some((row) => row.name === name))
  if (unknown !== undefined) throw new Error(`there is no row "${unknown}", see --help`)
  return ROWS.filter(({ name, quick }) => (names.length > 0 ? names.includes(name) : full || quick))
}

async function writeViews(result: Result): Promise<void> {
  if (result.curves.length > 0) await writeFile(FILES.chart, chartOf(result.curves))
  await writeSection(result)
}

const ending = listenForEnding()
try {
  process.exit(await main(ending.signal))
} catch (error) {
  if (!ending.signal.aborted)
    say(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(ending.exitCode() || 1)
}
