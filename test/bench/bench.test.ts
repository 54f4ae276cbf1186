import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { chartOf } from './chart.ts'
import { FILES, readResult, type Result } from './result.ts'
import { verdictOf, type Figure } from './row.ts'
import { BEGIN, END, sectionOf, withSection } from './section.ts'
import { median, quantile, spreadOf } from './statistics.ts'
import { tableOf } from './table.ts'
import { inTurns, ratioOf } from './turns.ts'

const figure: Figure = {
  ...{ id: 'idle', what: '`x` end to end', floor: '2.00 ms', system: '5.00 ms', unit: 'x' },
  ...{ better: 'less', must: 2.8, aim: 2, notes: ['a note'] },
  score: { median: 2.5, low: 2.25, high: 3 },
}

const result: Result = {
  ...{ day: '2026-01-02', mode: 'full', load: 1, skipped: [{ row: 'engines', why: 'no model' }] },
  machine: {
    ...{ cpu: 'A CPU', cores: 2, memoryGB: 8, system: 'Linux 6', node: '20', redis: '7' },
    bullmq: '6',
  },
  figures: [figure],
  curves: [
    {
      ...{ id: 'route', title: '`route`', of: 'nodes', unit: 'us' },
      points: [10, 1000].map((x) => ({ x, y: { median: 50, low: 40, high: 70 } })),
    },
  ],
}

test('a quantile lies between its neighbours, whatever the order', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2.5)
  expect(quantile([10, 0, 20], 0.75)).toBe(15)
  expect(quantile([7], 0.99)).toBe(7)
  expect(quantile([], 0.5)).toBeNaN()
})

test('both sides are measured in turns, and the round that warms up does not count', async () => {
  const order: string[] = []
  const sides = { floor: 'floor', system: 'system' }
  const measured = await inTurns(sides, { rounds: 2, tell: () => {} }, async (side) =>
    Promise.resolve(order.push(side)),
  )
  expect(order).toEqual(['floor', 'system', 'floor', 'system', 'floor', 'system'])
  expect(measured).toEqual({ floor: [3, 5], system: [4, 6] })
})

test('a ratio is that of each round to the floor of the same round', () => {
  expect(ratioOf({ floor: [1, 10, 100], system: [2, 30, 400] })).toEqual(spreadOf([2, 3, 4]))
})

describe('the verdict', () => {
  test.for([
    [1.9, 'less', 'aim'],
    [2.5, 'less', 'must'],
    [2.9, 'less', 'missed'],
    [1.9, 'more', 'missed'],
  ] as const)('of %f where %s is better is %s', ([value, better, verdict]) => {
    const score = { median: value, low: value, high: value }
    expect(verdictOf({ ...figure, better, score, must: 2.8, aim: 2 })).toBe(verdict)
  })

  test('without bounds is a report, and never missed without a must', () => {
    const { must: _, aim: __, ...free } = figure
    expect(verdictOf(free)).toBe('report')
    expect(verdictOf({ ...free, aim: 1 })).toBe('report')
  })
})

test('the table colours what a terminal shows and nothing else', () => {
  expect(tableOf([figure], false).join('\n')).not.toContain('\u001B')
  expect(tableOf([figure], true).join('\n')).toContain('\u001B[33mx end to end')
})

test('the section shows every figure with its bounds, and what was left out', () => {
  const section = sectionOf(result)
  expect(section).toContain('| `x` end to end | 2.00 ms | 5.00 ms | 2.50x (2.25-3)')
  expect(section).toContain('| <= 2.80x | <= 2x | must met |')
  expect(section).toContain('not measured: engines (no model)')
  expect(section).toContain('npm run bench -- --full')
})

test('the section replaces what is between its markers, once and for all', () => {
  const readme = `before\n${BEGIN}\nold\n${END}\nafter\n`
  const once = withSection(readme, sectionOf(result))
  expect(once).toMatch(/^before\n/)
  expect(once).toMatch(/\nafter\n$/)
  expect(once).not.toContain('old')
  expect(withSection(once, sectionOf(result))).toBe(once)
  expect(withSection('no markers', sectionOf(result))).toBe('no markers')
})

test('the README shows the result that is kept, and none that is not', async () => {
  const section = existsSync(FILES.result) ? sectionOf(await readResult()) : '\n'
  expect(await readFile(FILES.readme, 'utf8')).toContain(`${BEGIN}${section}${END}`)
})

test('the chart has a panel for each curve and a point for each measurement', () => {
  const chart = chartOf([...result.curves, ...result.curves])
  expect(chart.match(/<circle/g)).toHaveLength(4)
  expect(chart.match(/<g /g)).toHaveLength(2)
  expect(chart).not.toMatch(/NaN|undefined|Infinity/)
})
