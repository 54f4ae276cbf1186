import { MUTANTS } from './mutants.ts'
import { HELP, parseOptions, type Options } from './options.ts'
import { breachesOf, tableOf, type Row } from './report.ts'
import { scenarioNamed } from './scenarios/scenarios.ts'
import { openSuite, type Suite } from './suite.ts'

const USUAL_SECONDS = 15
/** A machine that gave the runner no time for so long in all gave the system none either. */
const STARVED_MS = 500
const EXIT_OF_SIGINT = 130

const tell = (line: string): void =>
  console.error(`${new Date().toISOString().slice(11, 19)} ${line}`)

/** Answers whether everything held. */
async function run(options: Options, stop: AbortSignal): Promise<boolean> {
  const { seed, scenarios, mutants, minutes, keep } = options
  tell(`seed ${seed}`)
  const seconds =
    minutes === undefined ? USUAL_SECONDS : (minutes * 60) / Math.max(1, scenarios.length)
  const suite = await openSuite({ seed, keep, tell, stop })
  const rows: Row[] = []
  const faults: string[] = []
  try {
    for (const name of scenarios) {
      if (stop.aborted) break
      await playOne(suite, { name, seconds, rows, faults })
    }
    for (const mutant of MUTANTS.filter(({ name }) => mutants.includes(name))) {
      if (stop.aborted) break
      await playWithout(suite, mutant, { rows, faults })
    }
  } finally {
    await suite.close()
  }
  if (rows.length > 0) console.log(tableOf(rows))
  if (stop.aborted) return false
  for (const fault of faults) console.log(`\n${fault}`)
  if (keep) console.log(`\nkept in ${suite.folder}`)
  console.log(`\n${verdictOf(options, faults)}`)
  return faults.length === 0
}

function verdictOf({ seed, scenarios, mutants }: Options, faults: readonly string[]): string {
  if (faults.length > 0) return `seed ${seed}: ${faults.length} failed`
  const held = scenarios.length > 0 ? [`every promise held in ${scenarios.length} scenarios`] : []
  const noticed = mutants.length > 0 ? [`${mutants.length} missing guards were noticed`] : []
  return `seed ${seed}: ${[...held, ...noticed].join(', ')}`
}

interface Outcome {
  readonly rows: Row[]
  readonly faults: string[]
}

async function playOne(
  suite: Suite,
  { name, seconds, rows, faults }: Outcome & { name: string; seconds: number },
): Promise<void> {
  try {
    let played = await suite.play(scenarioNamed(name), seconds)
    if (played.breaches.length > 0 && played.figures.starvedMs > STARVED_MS) {
      tell(`${name}: the machine stood still for ${played.figures.starvedMs} ms, played again`)
      played = await suite.play(scenarioNamed(name), seconds)
    }
    rows.push(played)
    const { breaches, folder } = played
    tell(`${name}: ${breaches.length === 0 ? 'held' : `${breaches.length} broken`}`)
    if (breaches.length > 0) faults.push(`${name}, kept in ${folder}\n${breachesOf(breaches)}`)
  } catch (error) {
    fail(name, error, faults)
  }
}

async function playWithout(
  suite: Suite,
  mutant: (typeof MUTANTS)[number],
  { rows, faults }: Outcome,
): Promise<void> {
  const name = `without ${mutant.name}`
  try {
    const played = await suite.playMutant(mutant)
    rows.push(played)
    const isNoticed = played.noticed.length > 0
    tell(`${name}: ${isNoticed ? 'noticed' : 'NOT noticed'}`)
    if (!isNoticed)
      faults.push(`${name}: no breach of ${mutant.breaks.join(' or ')}, kept in ${played.folder}`)
  } catch (error) {
    fail(name, error, faults)
  }
}

function fail(name: string, error: unknown, faults: string[]): void {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
  faults.push(`${name} could not be played: ${why}`)
  tell(`${name}: could not be played`)
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) {
    console.log(HELP.trim())
    return 0
  }
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort(new Error('stopped by Ctrl-C')))
  process.once('SIGTERM', () => stop.abort(new Error('stopped')))
  const isWell = await run(options, stop.signal)
  if (stop.signal.aborted) return EXIT_OF_SIGINT
  return isWell ? 0 : 1
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`chaos: ${error instanceof Error ? error.message : String(error)}`)
    process.exit(1)
  },
)
