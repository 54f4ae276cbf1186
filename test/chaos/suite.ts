import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createChance } from './chance.ts'
import type { Breach } from './checker/checker.ts'
import { copySystem } from './copy.ts'
import { measure } from './figures.ts'
import type { Mutant } from './mutants.ts'
import type { Row } from './report.ts'
import { runScenario, type Scenario } from './scenario.ts'
import { scenarioNamed } from './scenarios/scenarios.ts'
import { tapWire } from './wire.ts'

export interface SuiteOptions {
  readonly seed: number
  /** Whether to keep logs and histories where nothing was broken, too. */
  readonly keep: boolean
  readonly tell: (line: string) => void
  readonly stop: AbortSignal
}

export interface Played extends Row {
  /** Logs, traces and the history; gone if nothing was broken. */
  readonly folder: string
}

/** Plays scenarios on one copy of the built system. */
export interface Suite {
  /** Where everything is that is kept. */
  readonly folder: string
  play(scenario: Scenario, seconds: number): Promise<Played>
  /** Plays a mutant's scenario without the guard: answers what broke, as far as it was to be noticed. */
  playMutant(mutant: Mutant): Promise<Played & { readonly noticed: readonly Breach[] }>
  /** Removes what nobody needs any more. */
  close(): Promise<void>
}

const MUTANT_SECONDS = 4

export async function openSuite({ seed, keep, tell, stop }: SuiteOptions): Promise<Suite> {
  const root = await mkdtemp(join(tmpdir(), 'chaos-'))
  const system = await copySystem(join(root, 'system'))
  const untap = tapWire()
  let kept = 0
  let count = 0
  const play = async (
    scenario: Scenario,
    { name, seconds, of }: { name: string; seconds: number; of: URL },
  ): Promise<Played> => {
    const folder = join(root, `${(count += 1)}-${name}`)
    const startedAt = performance.now()
    const { facts, breaches } = await runScenario(scenario, {
      ...{ folder, seconds, stop, system: of },
      chance: createChance(seed).fork(scenario.name),
      tell: (line) => tell(`${name}: ${line}`),
    })
    const tookMs = performance.now() - startedAt
    return { scenario: name, figures: measure(facts), breaches, tookMs, folder }
  }
  return {
    folder: root,
    async play(scenario, seconds) {
      const played = await play(scenario, { name: scenario.name, seconds, of: system })
      if (keep || played.breaches.length > 0) kept += 1
      else await rm(played.folder, { recursive: true, force: true })
      return played
    },
    async playMutant(mutant) {
      const name = `without ${mutant.name}`
      const home = join(root, `system-without-${mutant.name}`)
      const played = await play(scenarioNamed(mutant.scenario), {
        name: `without-${mutant.name}`,
        seconds: MUTANT_SECONDS,
        of: await copySystem(home, mutant.patches),
      })
      const noticed = played.breaches.filter(({ promise }) => mutant.breaks.includes(promise))
      if (keep || noticed.length === 0) kept += 1
      else await rm(played.folder, { recursive: true, force: true })
      await rm(home, { recursive: true, force: true })
      return { ...played, scenario: name, noticed }
    },
    async close() {
      untap()
      await rm(kept > 0 ? join(root, 'system') : root, { recursive: true, force: true })
    },
  }
}
