import { expect, onTestFinished, test } from 'vitest'
import { MUTANTS } from '../chaos/mutants.ts'
import { breachesOf } from '../chaos/report.ts'
import { scenarioNamed } from '../chaos/scenarios/scenarios.ts'
import { openSuite, type Suite } from '../chaos/suite.ts'

const SEED = 1
const SECONDS = 8
const TIMEOUT_MS = 180_000

/** The short run: `npm run chaos` plays all of it, for longer. */
async function openShort(): Promise<Suite> {
  const suite = await openSuite({
    seed: SEED,
    keep: false,
    tell: () => {},
    stop: new AbortController().signal,
  })
  onTestFinished(() => suite.close())
  return suite
}

test.for(['calm', 'node-kills', 'scheduler-freezes', 'busy-outages', 'stranded-child'])(
  'every promise holds in %s',
  { timeout: TIMEOUT_MS },
  async (name) => {
    const suite = await openShort()
    const { breaches, folder } = await suite.play(scenarioNamed(name), SECONDS)
    expect(breachesOf(breaches), `seed ${SEED}, kept in ${folder}`).toBe('')
  },
)

test.for(MUTANTS.filter(({ name }) => ['confirm-attempt', 'epoch-check'].includes(name)))(
  'the checker notices that the guard $name is missing',
  { timeout: TIMEOUT_MS },
  async (mutant) => {
    const suite = await openShort()
    const { noticed } = await suite.playMutant(mutant)
    expect(noticed.length).toBeGreaterThan(0)
  },
)
