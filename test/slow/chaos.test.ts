import { afterAll, beforeAll, expect, test } from 'vitest'
import { playAll, type Played } from '../chaos/programme.ts'
import { tableOf } from '../chaos/report.ts'
import { openSuite, type Suite } from '../chaos/suite.ts'

const SEED = 1
const SECONDS = 8
const TIMEOUT_MS = 300_000

/** The short run: `npm run chaos` plays all of it, for longer. */
const SCENARIOS = ['crash-points', 'busy-outages', 'stranded-child']
const MUTANTS = [
  'epoch-check',
  'chunk-number-check',
  'dedup-set',
  'settle-if-absent',
  'fence-before-obliterate',
  'confirm-attempt',
  'outage-grace',
]

let suite: Suite
let played: readonly Played[]

beforeAll(async () => {
  const stop = new AbortController().signal
  const tell = (): void => {}
  suite = await openSuite({ seed: SEED, keep: false, tell, stop })
  const what = { scenarios: SCENARIOS, mutants: MUTANTS }
  played = await playAll(suite, { ...what, seconds: SECONDS, tell, stop })
  console.log(`seed ${SEED}\n${tableOf(played)}`)
}, TIMEOUT_MS)
afterAll(() => suite.close())

function faultOf(of: Pick<Played, 'name' | 'isMutant'>): string | undefined {
  const found = played.find(({ name, isMutant }) => name === of.name && isMutant === of.isMutant)
  return found ? found.fault : 'was not played'
}

test.for(SCENARIOS)('every promise holds in %s', (name) => {
  expect(faultOf({ isMutant: false, name })).toBeUndefined()
})

test.for(MUTANTS)('the checker notices that the guard %s is missing', (name) => {
  expect(faultOf({ isMutant: true, name })).toBeUndefined()
})
