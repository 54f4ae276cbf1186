import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { createChance } from './chance.ts'
import { copySystem, ROOT } from './copy.ts'
import { MUTANTS } from './mutants.ts'
import { parseOptions } from './options.ts'
import { POINTS } from './scenarios/schedulers.ts'
import { SCENARIOS, scenarioNamed } from './scenarios/scenarios.ts'

const nameOf = (file: string): string => file.replace(/(-\d+)?\.\w+$/, '')

test('every crash point is a script or a command that exists', () => {
  const bullmq = dirname(createRequire(import.meta.url).resolve('bullmq'))
  const scripts = new Set([
    ...readdirSync(join(ROOT, 'lua'), { recursive: true, encoding: 'utf8' }).map((file) =>
      nameOf(file.slice(file.lastIndexOf('/') + 1)),
    ),
    ...readdirSync(join(bullmq, '..', 'esm', 'scripts')).map(nameOf),
  ])
  const unknown = POINTS.filter((name) => !scripts.has(name) && !(name in Redis.prototype))
  expect(unknown).toEqual([])
})

test.for(MUTANTS)('the guard $name is where its patch takes it out', async ({ patches }) => {
  const folder = await mkdtemp(join(tmpdir(), 'mutant-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await expect(copySystem(folder, patches)).resolves.toBeInstanceOf(URL)
})

test('a patch that finds nothing to take out fails', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mutant-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const patch = { file: 'src/main.js', find: 'no such guard', replace: '' }
  await expect(copySystem(folder, [patch])).rejects.toThrow('does not apply')
})

test('every mutant has a scenario', () => {
  expect(MUTANTS.map(({ scenario }) => scenarioNamed(scenario).name)).toEqual(
    MUTANTS.map(({ scenario }) => scenario),
  )
})

test('a seed repeats what chance does, and its forks do not mix', () => {
  const draw = (seed: number): readonly number[] => {
    const chance = createChance(seed)
    const fork = chance.fork('a')
    return [chance.next(), fork.between(1, 1000), chance.next(), fork.next()]
  }
  expect(draw(7)).toEqual(draw(7))
  expect(draw(7)).not.toEqual(draw(8))
  const apart = createChance(7)
  apart.fork('a').next()
  expect(apart.next()).toBe(createChance(7).next())
})

test('without a choice everything is played, with one only what was chosen', () => {
  expect(parseOptions([]).scenarios).toHaveLength(SCENARIOS.length)
  expect(parseOptions([]).mutants).toHaveLength(MUTANTS.length)
  expect(parseOptions(['--scenario', 'calm', '--seed', '5', '--minutes', '2'])).toMatchObject({
    scenarios: ['calm'],
    mutants: [],
    seed: 5,
    minutes: 2,
  })
})

test.for([
  [['--scenario', 'clam'], 'there is none of that name'],
  [['--minutes', 'long'], 'not a number'],
  [['--fast'], 'Unknown option'],
] as const)('the command line %j is refused', ([args, why]) => {
  expect(() => parseOptions(args)).toThrow(why)
})
