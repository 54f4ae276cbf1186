import { loadavg } from 'node:os'
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { wantsColor } from '../../src/platform/config.ts'
import { chartOf } from './chart.ts'
import { describeMachine, machineLine } from './machine.ts'
import { FILES, readResult, writeResult, type Result } from './result.ts'
import { verdictOf, type Curve, type Figure, type Row } from './row.ts'
import { ROWS } from './rows.ts'
import { writeSection } from './section.ts'
import { openStage, type Stage } from './stage.ts'
import { tableOf } from './table.ts'

const HELP = `
Usage: npm run bench [-- [--full] [--save] [--json] [ROW ...]]

Measures LinguaMQ against floors that are measured in the same run, in turns, on a private Redis.
About 3 minutes, with --full about 20. Exits 1 when a figure misses its must.

  ROW        only these: ${ROWS.map(({ name }) => name).join(' ')}
  --full     every row, more rounds
  --save     keep the result: test/bench/result.json, test/bench/growth.svg, the README's section
  --section  measure nothing: write chart and README's section from the kept result
  --json     print the result as JSON on standard output, the table on standard error
  --help     show this
`

const say = (line: string): void => void process.stderr.write(`${line}\n`)

interface Ending {
  readonly signal: AbortSignal
  readonly exitCode: () => number
}

/** The first Ctrl-C ends everything in order; npm sends it twice, so only a later one ends at once. */
function endingSignal(): Ending {
  const ending = new AbortController()
  let code = 0
  let endedAt = 0
  for (const [signal, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.on(signal, () => {
      if (code > 0 && performance.now() - endedAt > 500) process.exit(exit)
      if (code > 0) return
      code = exit
      endedAt = performance.now()
      ending.abort(new Error(signal))
    })
  return { signal: ending.signal, exitCode: () => code }
}

interface Plan {
  readonly rows: readonly Row[]
  readonly full: boolean
}

/** Measures the rows one after the other, each on a Redis of its own. */
async function measureAll({ rows, full }: Plan, ending: AbortSignal): Promise<Result> {
  const figures: Figure[] = []
  const curves: Curve[] = []
  const skipped: { row: string; why: string }[] = []
  const loads: number[] = []
  for (const [i, row] of rows.entries()) {
    ending.throwIfAborted()
    const title = `[${i + 1}/${rows.length}] ${row.name}`
    say(title)
    const stage = await openStage()
    const stop = (): void => void stage.close().catch(() => {})
    ending.addEventListener('abort', stop, { once: true })
    try {
      const measured = await measureRow(row, full, stage)
      figures.push(...measured.figures)
      curves.push(...(measured.curves ?? []))
    } catch (error) {
      ending.throwIfAborted()
      const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
      say(`  not measured: ${why}`)
      skipped.push({ row: row.name, why })
    } finally {
      ending.removeEventListener('abort', stop)
      await stage.close()
      loads.push(loadavg()[0] ?? 0)
    }
  }
  return {
    day: new Date().toISOString().slice(0, 10),
    mode: full ? 'full' : 'quick',
    machine: await describeMachine(),
    load: loads.reduce((a, b) => a + b, 0) / loads.length,
    ...{ figures, curves, skipped },
  }
}

function measureRow(row: Row, full: boolean, stage: Stage) {
  const began = performance.now()
  return row.measure({
    ...{ full, stage },
    tell: (line) =>
      say(`  ${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${line}`),
  })
}

async function save(result: Result): Promise<void> {
  await writeResult(result)
  await writeViews(await readResult())
}

async function writeViews(result: Result): Promise<void> {
  if (result.curves.length > 0) await writeFile(FILES.chart, chartOf(result.curves))
  await writeSection(result)
}

async function main(ending: Ending): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ full: { type: 'boolean' }, save: { type: 'boolean' }, section: { type: 'boolean' } },
      ...{ json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    },
  })
  if (values.help) {
    process.stdout.write(`${HELP.trim()}\n`)
    return 0
  }
  if (values.section) {
    await writeViews(await readResult())
    return 0
  }
  const unknown = positionals.find((name) => !ROWS.some((row) => row.name === name))
  if (unknown !== undefined) throw new Error(`there is no row ${unknown}; --help lists them`)
  const { full = false } = values
  const rows = ROWS.filter(({ name, quick }) =>
    positionals.length > 0 ? positionals.includes(name) : full || quick,
  )
  const result = await measureAll({ rows, full }, ending.signal)
  print(result, values.json === true)
  if (values.save) await save(result)
  const missed = result.figures.some((figure) => verdictOf(figure) === 'missed')
  return missed || result.skipped.length > 0 ? 1 : 0
}

function print(result: Result, json: boolean): void {
  const out = json ? process.stderr : process.stdout
  const lines = ['', ...tableOf(result.figures, wantsColor(out)), '', machineLine(result.machine)]
  out.write(`${lines.join('\n')}\n`)
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
}

const ending = endingSignal()
process.exitCode = await main(ending).catch((error: unknown) => {
  if (ending.exitCode() === 0) say(`bench: ${error instanceof Error ? error.message : error}`)
  return ending.exitCode() || 1
})
process.exit()
