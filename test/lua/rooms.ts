import {
  createCompletionScripts,
  createProgressScripts,
  type Settled,
} from '../../lua/completion.ts'
import { createFleetScripts, type Due, type Life, type NodeState } from '../../lua/fleet.ts'
import { createRoutingScripts, type Ended, type Route } from '../../lua/routing.ts'
import { createAudioScripts } from '../../lua/audio.ts'
import { createSessionScripts } from '../../lua/session.ts'
import { createOutbox } from '../../src/completion/outbox.ts'
import type { Store } from '../../src/platform/redis.ts'
import type { ErrorCode } from '../../src/protocol/codes.ts'
import { gatewayId, jobId, nodeId, sessionId, type SessionId } from '../../src/protocol/ids.ts'
import { parseNews, type GatewayNews } from '../../src/protocol/news.ts'
import type { Registration, Vitals } from '../../src/protocol/jobs.ts'
import { test as base, expect } from '../support/store.ts'

export const HOUR = 3_600_000
export const LEASE = { leaseMs: 2000, recordLifeMs: 600_000, graceMs: 1000 }
export const SETTLE = {
  dedupWindowMs: 30_000,
  sessionLifeMs: 600_000,
  recordLifeMs: 60_000,
  maxOutbox: 1000,
}
export const ROUTE = {
  affinityPenaltyMs: 1500,
  affinityTtlMs: 300_000,
  startDeadlineMs: 8000,
  overallDeadlineMs: 120_000,
  maxAttempts: 3,
  retryBackoffMs: 250,
  recordLifeMs: 720_000,
}
export const HEAD_WAIT_MS = 5000
export const TICK = {
  limit: 100,
  headWaitMs: HEAD_WAIT_MS,
  startDeadlineMs: ROUTE.startDeadlineMs,
  resumeWindowMs: 120_000,
}
export const GATEWAY = gatewayId('g')

type RouteQuestion = Partial<{
  ended: number
  code: ErrorCode
  pairs: readonly string[]
  home: 'bind' | 'clear'
}>

/** What a node of the tests registers as. */
export const describeNode = (id: string, over: Partial<Registration> = {}): Registration => ({
  id,
  version: '1',
  capacity: 2,
  languages: { recognize: ['en'], translate: [['en', 'es']], synthesize: [] },
  engines: ['scripted'],
  host: 'here',
  ...over,
})

const CALM: Vitals = { active: [], serviceMsPerAudioS: 0, rssMB: 1, loopBlockedMs: 0 }

/** Every room's scripts on one Redis prefix, with the time in the hands of the test. */
export function createRooms(store: Store) {
  const { call, callAudio, keys, audioKeys, control } = store
  const time = { now: 1_700_000_000_000 }
  const deps = { call, keys, now: () => time.now }
  const session = createSessionScripts(deps)
  const audio = createAudioScripts({ call: callAudio, keys: audioKeys })
  const routing = createRoutingScripts({ ...deps, policy: ROUTE })
  const completion = createCompletionScripts({ ...deps, policy: SETTLE })
  const fleet = createFleetScripts({ ...deps, policy: LEASE })
  const alive = new Set<Life>()

  const beat = (life: Life, state: NodeState = 'ready', vitals: Partial<Vitals> = {}) =>
    fleet.beatNode(life, state, { ...CALM, ...vitals })
  const tick = (): Promise<Due> => fleet.tickWatch(TICK)
  return {
    store,
    time,
    session,
    audio,
    routing,
    completion,
    progress: createProgressScripts(deps),
    fleet,
    outbox: createOutbox(control, keys),
    /** Lives that beat while time passes. */
    alive,
    beat,
    tick,
    /** Time goes by as it does in life: nodes beat and the watch ticks all the while. */
    async pass(ms: number): Promise<Due> {
      for (let left = ms; left > 0; left -= 500) {
        time.now += Math.min(500, left)
        for (const life of alive) await beat(life)
        await tick()
      }
      return tick()
    },
    /** Begins a session; its token's hash is `t1`. */
    async begin(name = 's'): Promise<SessionId> {
      const id = sessionId(name)
      const start = { session: id, gateway: GATEWAY, tokenHash: 't1', subject: 'me' }
      await session.startSession({ ...start, request: '{}', lifeMs: SETTLE.sessionLifeMs })
      return id
    },
    /** A live, ready node. */
    async ready(id: string, over: Partial<Registration> = {}): Promise<Life> {
      const { incarnation } = await fleet.registerNode(describeNode(id, over))
      const life = { node: nodeId(id), incarnation }
      await beat(life)
      alive.add(life)
      return life
    },
    route(id: SessionId, index: number, asked: RouteQuestion = {}): Promise<Route> {
      const ended: Ended = { n: asked.ended ?? 0, code: asked.code }
      const { pairs = ['en>es'], home = 'clear' } = asked
      return routing.route({ session: id, index, ended, pairs, home })
    },
    /** Routes and answers where to; throws unless a node was found. */
    async place(id: SessionId, index: number, asked: RouteQuestion = {}) {
      const route = await this.route(id, index, asked)
      if (route.kind !== 'node') throw new Error(`expected a node, not ${route.kind}`)
      return route
    },
    async settle(id: SessionId, index: number, attempt?: number, text = 'x'): Promise<Settled> {
      const outcome = JSON.stringify({ outcome: 'translated', transcript: text })
      return (await completion.settle({ session: id, index, attempt, outcome })).word
    },
    held: ({ node, incarnation }: Life): Promise<number> =>
      control.zcard(keys.slots(node, incarnation)),
    /** The outbox as words: `1`, `gap 2`, `late 2`. */
    async told(id: SessionId): Promise<string[]> {
      const entries = await store.control.xrange(keys.outbox(id), '-', '+')
      expect(entries.map(([seq]) => seq)).toEqual(entries.map((_, i) => `${i + 1}-0`))
      return entries.map(([, fields]) => {
        const [, index, kind] = fields
        const late = fields[fields.indexOf('late') + 1] === '1' ? 'late ' : ''
        return `${kind === 'gap' ? 'gap ' : late}${index}`
      })
    },
    record: (id: SessionId, index: number): Promise<Record<string, string>> =>
      control.hgetall(keys.attempt(jobId(id, index))),
    /** What is published to the gateway of these sessions from now on. */
    async hear(): Promise<GatewayNews[]> {
      const news: GatewayNews[] = []
      await store.subscribe(keys.gateway(GATEWAY), (message) => {
        const parsed = parseNews(message)
        if (parsed) news.push(parsed)
      })
      return news
    },
  }
}

export type Rooms = ReturnType<typeof createRooms>

/** Runs the same thing fifty times at once. */
export const fiftyTimes = <T>(step: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: 50 }, (_, i) => step(i)))

/** How often each word came. */
export function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

export const test = base.extend('rooms', ({ store }) => createRooms(store))
export { expect }
