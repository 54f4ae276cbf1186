import { HELP, parseOptions, type Options } from './options.ts'
import { playAll, type Played } from './programme.ts'
import { tableOf } from './report.ts'
import { openSuite } from './suite.ts'

const USUAL_SECONDS = 15
const EXIT_OF_SIGINT = 130

const tell = (line: string): void =>
  console.error(`${new Date().toISOString().slice(11, 19)} ${line}`)

/** Answers whether everything held. */
async function run(options: Options, stop: AbortSignal): Promise<boolean> {
  const { seed, keep, minutes, scenarios } = options
  tell(`seed ${seed}`)
  const seconds =
    minutes === undefined ? USUAL_SECONDS : (minutes * 60) / Math.max(1, scenarios.length)
  const suite = await openSuite({ seed, keep, tell, stop })
  let played: readonly Played[]
  try {
    played = await playAll(suite, { ...options, seconds, tell, stop })
  } finally {
    await suite.close()
  }
  if (played.some(({ row }) => row)) console.log(tableOf(played))
  const faults = played.flatMap(({ fault }) => fault ?? [])
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
