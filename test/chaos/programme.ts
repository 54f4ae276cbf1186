import { MUTANTS, type Mutant } from './mutants.ts'
import { breachesOf, type Row } from './report.ts'
import { scenarioNamed } from './scenarios/scenarios.ts'
import type { Suite } from './suite.ts'

/** A machine that gave the runner no time for so long in all gave the system none either. */
const STARVED_MS = 500
/** How many scenarios without a load of their own are played at a time. */
const LANES = 3

/** What is to be played. */
export interface Programme {
  readonly scenarios: readonly string[]
  readonly mutants: readonly string[]
  /** How long a scenario that goes on should hurt. */
  readonly seconds: number
  readonly tell: (line: string) => void
  readonly stop: AbortSignal
}

interface End {
  readonly row?: Row
  /** Why the run has failed, if it has. */
  readonly fault?: string
}

/** One scenario that was played, or a mutant in its scenario, and how that ended. */
export type Played = End & { readonly name: string; readonly isMutant: boolean }

/**
 * Plays all of it and answers how each ended, scenarios first, then mutants, each in the order given. Those
 * with a load of their own come one by one, then the directed ones side by side.
 */
export async function playAll(suite: Suite, programme: Programme): Promise<readonly Played[]> {
  const acts = actsOf(suite, programme)
  const ends: Played[] = []
  const play = async (act: Act): Promise<void> => {
    if (programme.stop.aborted) return
    const { name, isMutant } = act
    ends[acts.indexOf(act)] = { name, isMutant, ...(await endOf(act, programme)) }
  }
  for (const act of acts.filter(({ isDirected }) => !isDirected)) await play(act)
  await inLanes(
    acts.filter(({ isDirected }) => isDirected),
    play,
  )
  // Those that were not played any more leave holes.
  return ends.filter(Boolean)
}

interface Act {
  readonly name: string
  readonly isMutant: boolean
  /** It has no load of its own, and mostly waits. */
  readonly isDirected: boolean
  readonly play: () => Promise<End>
}

function actsOf(suite: Suite, programme: Programme): readonly Act[] {
  const { scenarios, mutants } = programme
  const isDirected = (name: string): boolean => scenarioNamed(name).clients === 0
  return [
    ...scenarios.map((name) => ({
      ...{ name, isMutant: false, isDirected: isDirected(name) },
      play: () => playWhole(suite, name, programme),
    })),
    ...MUTANTS.filter(({ name }) => mutants.includes(name)).map((mutant) => ({
      ...{ name: mutant.name, isMutant: true, isDirected: isDirected(mutant.scenario) },
      play: () => playWithout(suite, mutant, programme),
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

async function endOf({ name, play }: Act, { tell }: Programme): Promise<End> {
  try {
    return await play()
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
    tell(`${name}: could not be played`)
    return { fault: `${name} could not be played: ${why}` }
  }
}

async function playWhole(suite: Suite, name: string, { seconds, tell }: Programme): Promise<End> {
  let row = await suite.play(scenarioNamed(name), seconds)
  if (row.breaches.length > 0 && row.figures.starvedMs > STARVED_MS) {
    const broken = [...new Set(row.breaches.map(({ promise }) => promise))].join(' ')
    const { starvedMs } = row.figures
    tell(`${name}: ${broken} broken, but the machine stood still for ${starvedMs} ms: played again`)
    row = await suite.play(scenarioNamed(name), seconds)
  }
  const { breaches, folder } = row
  tell(`${name}: ${breaches.length === 0 ? 'held' : `${breaches.length} broken`}`)
  if (breaches.length === 0) return { row }
  return { row, fault: `${name}, kept in ${folder}\n${breachesOf(breaches)}` }
}

async function playWithout(suite: Suite, mutant: Mutant, { tell }: Programme): Promise<End> {
  const row = await suite.playMutant(mutant)
  const isNoticed = row.noticed.length > 0
  tell(`${row.scenario}: ${isNoticed ? 'noticed' : 'NOT noticed'}`)
  if (isNoticed) return { row }
  const what = `no breach of ${mutant.breaks.join(' or ')}, kept in ${row.folder}`
  return { row, fault: `${row.scenario}: ${what}` }
}
