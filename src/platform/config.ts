import { hostname } from 'node:os'
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { ID_PATTERN } from '../protocol/ids.ts'
import { LinguaError } from '../protocol/codes.ts'

const ms = (fallback: number, least = 1) => z.coerce.number().int().min(least).default(fallback)
const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback)
const flag = z
  .enum(['0', '1'])
  .default('0')
  .transform((text) => text === '1')
const redisUrl = z
  .string()
  .regex(/^(rediss?:\/\/|\/)/, 'a redis:// or rediss:// URL, or the path of a unix socket')
  .optional()
const pair = /^[a-z0-9-]+>[a-z0-9-]+$/
const pairs = z
  .string()
  .default('en>es')
  .transform((text) => text.split(',').map((each) => each.trim()))
  .refine((list) => list.every((each) => pair.test(each)), 'pairs such as en>es,en>ca')

/** Every variable that is read: its unit is in its name, what it means in its description. */
export const SETTINGS = z.object({
  REDIS_URL: redisUrl.describe('Redis >= 7.0; absent: a private one is started in `.lingua/redis`'),
  AUDIO_REDIS_URL: redisUrl.describe('Redis for audio and speech bytes; absent: the same'),
  HOST: z.string().min(1).default('127.0.0.1').describe('address to listen on'),
  PORT: port(7400).describe('port of the scheduler, 0 = any'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('least level that is logged'),
  LINGUA_KEY_PREFIX: z
    .string()
    .regex(/^\{[A-Za-z0-9._-]+\}$/, 'a hash tag such as {lingua}')
    .default('{lingua}')
    .describe('prefix of every key: one hash tag'),
  LINGUA_AUTH_SECRET: z
    .string()
    .min(32, 'at least 32 characters')
    .optional()
    .describe('HS256 secret of client tokens; absent: only this machine is served'),
  LINGUA_DASHBOARD_PORT: port(7401).describe('port of the dashboard, 0 = any'),
  LINGUA_DASHBOARD_WRITE: flag.describe('1 lets the dashboard change queues'),
  LINGUA_NODE_ID: z
    .string()
    .regex(ID_PATTERN, '1-64 of A-Z a-z 0-9 . _ -')
    .optional()
    .describe('id of the node; absent: host name and a random part'),
  LINGUA_NODE_CAPACITY: z.coerce
    .number()
    .int()
    .min(1)
    .max(1024)
    .default(2)
    .describe('utterances a node works on at once'),
  LINGUA_NODE_ENGINE: z
    .enum(['local', 'scripted'])
    .default('local')
    .describe('local: speech engines of this machine; scripted: deterministic, for tests'),
  LINGUA_NODE_PAIRS: pairs.describe('pairs the scripted engine offers'),
  LINGUA_NODE_LEASE_MS: ms(2000, 200).describe(
    'a node silent for this long is dead; it beats four times as often',
  ),
  LINGUA_AFFINITY: z
    .enum(['continuation', 'session', 'off'])
    .default('continuation')
    .describe('which speech stays on its node: speech that goes on, the whole session, none'),
  LINGUA_AFFINITY_TTL_MS: ms(300_000).describe('how long a session keeps its home node'),
  LINGUA_AFFINITY_PENALTY_MS: ms(1500, 0).describe('longest extra wait that staying home may cost'),
  LINGUA_HEAD_WAIT_MS: ms(5000).describe('how long a missing result may hold back those behind it'),
  LINGUA_START_DEADLINE_MS: ms(8000).describe('longest wait for a node, and for a node to start'),
  LINGUA_OVERALL_DEADLINE_MS: ms(120_000).describe('an utterance ends by then, whatever happens'),
  LINGUA_DEDUP_WINDOW_MS: ms(30_000).describe('repeats of a result are filtered for this long'),
  LINGUA_RESUME_WINDOW_MS: ms(120_000, 1000)
    .pipe(z.number().max(300_000, 'at most 300000: half of how long the keys of a session live'))
    .describe('a session whose client is gone waits this long'),
})

type Values = z.infer<typeof SETTINGS>

export interface Config {
  readonly redisUrl: string | undefined
  readonly audioRedisUrl: string | undefined
  readonly host: string
  readonly port: number
  readonly logLevel: string
  readonly keyPrefix: string
  readonly authSecret: string | undefined
  readonly dashboard: { readonly port: number; readonly write: boolean }
  readonly node: NodeConfig
  readonly leaseMs: number
  readonly affinity: {
    readonly mode: 'continuation' | 'session' | 'off'
    readonly ttlMs: number
    readonly penaltyMs: number
  }
  readonly headWaitMs: number
  readonly startDeadlineMs: number
  readonly overallDeadlineMs: number
  readonly dedupWindowMs: number
  readonly resumeWindowMs: number
}

export interface NodeConfig {
  readonly id: string
  readonly capacity: number
  readonly engine: 'local' | 'scripted'
  readonly pairs: readonly string[]
}

/**
 * The only reader of the environment. Throws `bad_request` listing every fault: bad values, and names
 * that begin with LINGUA_ but mean nothing.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = SETTINGS.safeParse(given)
  const faults = Object.keys(given)
    .filter((name) => name.startsWith('LINGUA_') && !Object.hasOwn(SETTINGS.shape, name))
    .map((name) => `${name}: no such setting`)
  for (const issue of parsed.error?.issues ?? [])
    faults.push(`${issue.path.join('.')}: ${issue.message}`)
  if (!parsed.success || faults.length > 0)
    throw new LinguaError('bad_request', `bad configuration\n  ${faults.join('\n  ')}`)
  return freeze(parsed.data)
}

function freeze(is: Values): Config {
  return Object.freeze({
    redisUrl: is.REDIS_URL,
    audioRedisUrl: is.AUDIO_REDIS_URL,
    host: is.HOST,
    port: is.PORT,
    logLevel: is.LOG_LEVEL,
    keyPrefix: is.LINGUA_KEY_PREFIX,
    authSecret: is.LINGUA_AUTH_SECRET,
    dashboard: Object.freeze({
      port: is.LINGUA_DASHBOARD_PORT,
      write: is.LINGUA_DASHBOARD_WRITE,
    }),
    node: Object.freeze({
      id: is.LINGUA_NODE_ID ?? randomNodeId(),
      capacity: is.LINGUA_NODE_CAPACITY,
      engine: is.LINGUA_NODE_ENGINE,
      pairs: Object.freeze(is.LINGUA_NODE_PAIRS),
    }),
    leaseMs: is.LINGUA_NODE_LEASE_MS,
    affinity: Object.freeze({
      mode: is.LINGUA_AFFINITY,
      ttlMs: is.LINGUA_AFFINITY_TTL_MS,
      penaltyMs: is.LINGUA_AFFINITY_PENALTY_MS,
    }),
    headWaitMs: is.LINGUA_HEAD_WAIT_MS,
    startDeadlineMs: is.LINGUA_START_DEADLINE_MS,
    overallDeadlineMs: is.LINGUA_OVERALL_DEADLINE_MS,
    dedupWindowMs: is.LINGUA_DEDUP_WINDOW_MS,
    resumeWindowMs: is.LINGUA_RESUME_WINDOW_MS,
  })
}

function randomNodeId(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 40)
  return `${host || 'node'}-${randomBytes(3).toString('hex')}`
}

/** The environment of a child process: this one's, with some settings of its own. */
export const environmentWith = (settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...process.env,
  ...settings,
})

/** Whether a stream wants colours: a terminal does, unless NO_COLOR is set. */
export const wantsColor = (stream: { readonly isTTY?: boolean }): boolean =>
  stream.isTTY === true && !process.env['NO_COLOR']
