import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { readConfig, SETTINGS } from '../../src/platform/config.ts'
import { LinguaError } from '../../src/protocol/codes.ts'
import { ID_PATTERN } from '../../src/protocol/ids.ts'

const DEFAULTS = {
  redisUrl: undefined,
  audioRedisUrl: undefined,
  host: '127.0.0.1',
  port: 7400,
  logLevel: 'info',
  keyPrefix: '{lingua}',
  authSecret: undefined,
  dashboard: { port: 7401, write: false },
  node: { id: expect.stringMatching(ID_PATTERN), capacity: 2, engine: 'local', pairs: ['en>es'] },
  leaseMs: 2000,
  affinity: { mode: 'continuation', ttlMs: 300_000, penaltyMs: 1500 },
  headWaitMs: 5000,
  startDeadlineMs: 8000,
  overallDeadlineMs: 120_000,
  dedupWindowMs: 30_000,
  resumeWindowMs: 120_000,
}

const secret = 'a secret of thirty-two characters'

/** Values that no setting may have; HOST takes any text. */
const BAD: readonly (readonly [name: string, ...values: string[]])[] = [
  ['REDIS_URL', 'localhost:6379', 'http://localhost'],
  ['AUDIO_REDIS_URL', 'redis:/localhost', 'redis.sock'],
  ['PORT', '-1', '65536', '80.5', 'http', 'Infinity'],
  ['LOG_LEVEL', 'verbose', 'INFO'],
  ['LINGUA_KEY_PREFIX', 'lingua', '{}', '{a}{b}', '{a:b}', 'x{lingua}'],
  ['LINGUA_AUTH_SECRET', 'short', secret.slice(0, 31)],
  ['LINGUA_DASHBOARD_PORT', '65536', 'off'],
  ['LINGUA_DASHBOARD_WRITE', 'true', 'yes', '2'],
  ['LINGUA_NODE_ID', 'a:b', 'a b', 'x'.repeat(65)],
  ['LINGUA_NODE_CAPACITY', '0', '1025', '1.5', 'many'],
  ['LINGUA_NODE_ENGINE', 'http', 'Local'],
  ['LINGUA_NODE_PAIRS', 'en', 'en>', 'en>es>ca', 'en>es,', 'en>es;en>ca', 'EN>es'],
  ['LINGUA_NODE_LEASE_MS', '199', '2s', '-2000'],
  ['LINGUA_AFFINITY', 'on', 'none'],
  ['LINGUA_AFFINITY_TTL_MS', '0', '5 min'],
  ['LINGUA_AFFINITY_PENALTY_MS', '-1', '0.5'],
  ['LINGUA_HEAD_WAIT_MS', '0', 'NaN'],
  ['LINGUA_START_DEADLINE_MS', '0', 'never'],
  ['LINGUA_OVERALL_DEADLINE_MS', '0', '-1'],
  ['LINGUA_DEDUP_WINDOW_MS', '0', '30_000'],
  ['LINGUA_RESUME_WINDOW_MS', '999', '300001', '2m'],
]

/** The faults that an environment is refused for, without their heading. */
function faultsIn(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    if (!(error instanceof LinguaError) || error.code !== 'bad_request') throw error
    return error.message.split('\n').slice(1)
  }
}

describe('without any setting', () => {
  test('every value is its default', () => {
    expect(readConfig({})).toEqual(DEFAULTS)
  })

  test('a setting that is empty is one that is absent', () => {
    const empty = Object.fromEntries(Object.keys(SETTINGS.shape).map((name) => [name, '']))
    expect(readConfig({ ...empty, LINGUA_NO_SUCH_THING: '' })).toEqual(DEFAULTS)
  })

  test('two nodes of one machine have two ids', () => {
    expect(readConfig({}).node.id).not.toBe(readConfig({}).node.id)
  })
})

test('every setting is read', () => {
  const config = readConfig({
    REDIS_URL: 'redis://there:6379/1',
    AUDIO_REDIS_URL: '/run/redis.sock',
    HOST: '::1',
    PORT: '0',
    LOG_LEVEL: 'silent',
    LINGUA_KEY_PREFIX: '{cell-1}',
    LINGUA_AUTH_SECRET: secret,
    LINGUA_DASHBOARD_PORT: '0',
    LINGUA_DASHBOARD_WRITE: '1',
    LINGUA_NODE_ID: 'n.1_a-b',
    LINGUA_NODE_CAPACITY: '1024',
    LINGUA_NODE_ENGINE: 'scripted',
    LINGUA_NODE_PAIRS: 'en>es, en>zh-hant',
    LINGUA_NODE_LEASE_MS: '200',
    LINGUA_AFFINITY: 'off',
    LINGUA_AFFINITY_TTL_MS: '1',
    LINGUA_AFFINITY_PENALTY_MS: '0',
    LINGUA_HEAD_WAIT_MS: '2',
    LINGUA_START_DEADLINE_MS: '3',
    LINGUA_OVERALL_DEADLINE_MS: '4',
    LINGUA_DEDUP_WINDOW_MS: '5',
    LINGUA_RESUME_WINDOW_MS: '6000',
  })
  expect(config).toEqual({
    redisUrl: 'redis://there:6379/1',
    audioRedisUrl: '/run/redis.sock',
    host: '::1',
    port: 0,
    logLevel: 'silent',
    keyPrefix: '{cell-1}',
    authSecret: secret,
    dashboard: { port: 0, write: true },
    node: { id: 'n.1_a-b', capacity: 1024, engine: 'scripted', pairs: ['en>es', 'en>zh-hant'] },
    leaseMs: 200,
    affinity: { mode: 'off', ttlMs: 1, penaltyMs: 0 },
    headWaitMs: 2,
    startDeadlineMs: 3,
    overallDeadlineMs: 4,
    dedupWindowMs: 5,
    resumeWindowMs: 6000,
  })
})

test.for(Object.entries(SETTINGS.shape))('%s says what it means', ([, setting]) => {
  expect(setting.description).toMatch(/.{10,}/)
})

describe('a bad value', () => {
  test('is tried for every setting but the one that takes any text', () => {
    const tried = BAD.map(([name]) => name)
    const settings = Object.keys(SETTINGS.shape).filter((name) => name !== 'HOST')
    expect(tried.toSorted()).toEqual(settings.toSorted())
  })

  test.for(BAD.flatMap(([name, ...values]) => values.map((value) => [name, value] as const)))(
    'of %s is refused by that name: %j',
    ([name, value]) => {
      expect(faultsIn({ [name]: value })).toEqual([expect.stringMatching(`^ {2}${name}: .+`)])
    },
  )

  test('is told together with every other, and with every unknown LINGUA_ name', () => {
    const bad = Object.fromEntries(BAD.map(([name, value]) => [name, value]))
    const unknown = ['LINGUA_NODE_CAPASITY', 'LINGUA_']
    const faults = faultsIn({ ...bad, ...Object.fromEntries(unknown.map((name) => [name, '1'])) })
    const named = faults.map((fault) => fault.trim().replace(/:.*/, ''))
    expect(named.toSorted()).toEqual([...Object.keys(bad), ...unknown].toSorted())
  })

  test('of a secret is not repeated', () => {
    expect(faultsIn({ LINGUA_AUTH_SECRET: 'hunter2' }).join()).not.toContain('hunter2')
  })
})

test('an unknown LINGUA_ name is a fault though every value is good', () => {
  expect(faultsIn({ LINGUA_AFINITY: 'off' })).toEqual(['  LINGUA_AFINITY: no such setting'])
})

test('names of others are none of our business', () => {
  expect(readConfig({ PATH: '/bin', lingua_port: '1', MY_LINGUA_X: '1' })).toEqual(DEFAULTS)
})

test('the configuration is frozen, to its leaves', () => {
  const config = readConfig({})
  for (const part of [config, config.dashboard, config.node, config.node.pairs, config.affinity])
    expect(Object.isFrozen(part)).toBe(true)
})

describe('the environment', () => {
  const root = new URL('../../', import.meta.url)
  /** The set-up runs before anything is installed, so it cannot use the configuration. */
  const readers = ['src/platform/config.ts', 'src/tools/setup/terminal.mjs']

  test('is read in one place', async () => {
    const found: string[] = []
    for (const folder of ['src', 'workers', 'dashboard', 'lua']) {
      const files = await readdir(new URL(folder, root), { recursive: true })
      for (const file of files.filter((name) => /\.(ts|mjs|js|lua)$/.test(name)))
        if (/process\.env|env \} = process|import.*node:process/.test(read(`${folder}/${file}`)))
          found.push(`${folder}/${file}`)
    }
    expect(found.toSorted()).toEqual(readers)
  })

  const read = (file: string): string => readFileSync(new URL(file, root), 'utf8')
})
