import { MUTANTS, type Mutant } from './mutants.ts'
import { HELP, parseOptions, type Options } from './options.ts'
import { breachesOf, tableOf, type Row } from './report.ts'
import { scenarioNamed } from './scenarios/scenarios.ts'
import { openSuite, type Suite } from './suite.ts'

const USUAL_SECONDS = 15
/** A machine that gave the runner no time for so long in all gave the system none either. */
const STARVED_MS = 500
/** How many scenarios without a load of their own are played at a time. */
const LANES = 3
const EXIT_OF_SIGINT = 130

const tell = (line: string): void =>
  console.error(`${new Date().toISOString().slice(11, 19)} ${line}`)

/** Answers whether everything held. */
async function run(options: Options, stop: AbortSignal): Promise<boolean> {
  const { seed, keep } = options
  tell(`seed ${seed}`)
  const suite = await openSuite({ seed, keep, tell, stop })
  const ends: End[] = []
  try {
    const acts = actsOf(options, suite)
    const play = async (act: Act): Promise<void> => {
      if (!stop.aborted) ends[acts.indexOf(act)] = await played(act)
    }
    for (const act of acts.filter(({ isDirected }) => !isDirected)) await play(act)
    await inLanes(
      acts.filter(({ isDirected }) => isDirected),
      play,
    )
  } finally {
    await suite.close()
  }
  const rows = ends.flatMap(({ row }) => row ?? [])
  const faults = ends.flatMap(({ fault }) => fault ?? [])
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

interface End {
  readonly row?: Row
  /** Why the run has failed, if it has. */
  readonly fault?: string
}

/** One scenario to be played, or a mutant in its scenario. */
interface Act {
  readonly name: string
  /** It has no load of its own, and mostly waits. */
  readonly isDirected: boolean
  readonly play: () => Promise<End>
}

function actsOf({ scenarios, mutants, minutes }: Options, suite: Suite): readonly Act[] {
  const seconds =
    minutes === undefined ? USUAL_SECONDS : (minutes * 60) / Math.max(1, scenarios.length)
  const isDirected = (name: string): boolean => scenarioNamed(name).clients === 0
  return [
    ...scenarios.map((name) => ({
      ...{ name, isDirected: isDirected(name) },
      play: () => playWhole(suite, { name, seconds }),
    })),
    ...MUTANTS.filter(({ name }) => mutants.includes(name)).map((mutant) => ({
      ...{ name: `without ${mutant.name}`, isDirected: isDirected(mutant.scenario) },
      play: () => playWithout(suite, mutant),
    })),
  ]
}

/** Some of them side by side. */
async function inLanes(acts: readonly Act[], play: (act: Act) => Promise<void>): Promise<void> {
  const left = [...acts]
  const lane = async (): Promise<void> => {
    for (let act = left.shift(); act; act = left.shift()) await play(act)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

async function played({ name, play }: Act): Promise<End> {
  try {
    return await play()
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
    tell(`${name}: could not be played`)
    return { fault: `${name} could not be played: ${why}` }
  }
}

async function playWhole(
  suite: Suite,
  { name, seconds }: { name: string; seconds: number },
): Promise<End> {
  let row = await suite.play(scenarioNamed(name), seconds)
  if (row.breaches.length > 0 && row.figures.starvedMs > STARVED_MS) {
    tell(`${name}: the machine stood still for ${row.figures.starvedMs} ms, played again`)
    row = await suite.play(scenarioNamed(name), seconds)
  }
  const { breaches, folder } = row
  tell(`${name}: ${breaches.length === 0 ? 'held' : `${breaches.length} broken`}`)
  if (breaches.length === 0) return { row }
  return { row, fault: `${name}, kept in ${folder}\n${breachesOf(breaches)}` }
}

async function playWithout(suite: Suite, mutant: Mutant): Promise<End> {
  const row = await suite.playMutant(mutant)
  const isNoticed = row.noticed.length > 0
  tell(`${row.scenario}: ${isNoticed ? 'noticed' : 'NOT noticed'}`)
  if (isNoticed) return { row }
  const what = `no breach of ${mutant.breaks.join(' or ')}, kept in ${row.folder}`
  return { row, fault: `${row.scenario}: ${what}` }
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
