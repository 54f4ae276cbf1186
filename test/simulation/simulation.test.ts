import { expect, test } from '../support/store.ts'
import { tell } from './report.ts'
import { simulate, type Plan } from './simulation.ts'

const CALM: Plan = {
  capacities: Array.from({ length: 10 }, () => 2),
  serviceMs: 800,
  load: 0.7,
  utterances: 1000,
  continued: 0,
  churnMs: 0,
  seed: 7,
}
const fleetOf = (count: number, capacity: number): readonly number[] =>
  Array.from({ length: count }, () => capacity)

test('ten equal nodes share a thousand utterances within 1.3 of the mean', async ({ store }) => {
  const report = await simulate(store, CALM)
  const given = report.shares.map((each) => each.given)
  expect(Math.max(...given), tell(report)).toBeLessThanOrEqual(130)
  expect(Math.min(...given), tell(report)).toBeGreaterThanOrEqual(70)
})

test.for([0.3, 0.7, 0.95])(
  'nodes of capacity 1, 2 and 4 get shares in proportion, within 15 parts of 100, at a load of %f',
  async (load, { store }) => {
    const plan = { ...CALM, capacities: [1, 2, 4], load, utterances: 2500 }
    const report = await simulate(store, plan)
    for (const { capacity, given } of report.shares) {
      const fair = (2500 * capacity) / 7
      expect(Math.abs(given - fair) / fair, tell(report)).toBeLessThan(0.15)
    }
  },
)

test('at 70 % load continued speech stays home, and no node is hot, though nodes come and go', async ({
  store,
}) => {
  const plan = { ...CALM, capacities: fleetOf(60, 2), utterances: 2500, continued: 0.6 }
  const report = await simulate(store, { ...plan, churnMs: 5000 })
  expect(report.affinity.asked).toBeGreaterThan(300)
  expect(report.affinity.hit / report.affinity.asked, tell(report)).toBeGreaterThanOrEqual(0.95)
  const most = Math.max(...report.shares.map(({ given }) => given))
  expect(most / (2500 / 60), tell(report)).toBeLessThan(2.5)
})

test('at 105 % load nobody who came later is placed before who stands in line', async ({
  store,
}) => {
  const plan = { ...CALM, capacities: [1, 1, 2], load: 1.05, utterances: 1000, continued: 0.3 }
  const report = await simulate(store, plan)
  expect(report.longestLine, tell(report)).toBeGreaterThan(5)
  expect(report.inversions, tell(report)).toBe(0)
})
