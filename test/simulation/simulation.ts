import type { Life } from '../../lua/fleet.ts'
import { createCompletionScripts } from '../../lua/completion.ts'
import { createFleetScripts } from '../../lua/fleet.ts'
import { createRoutingScripts } from '../../lua/routing.ts'
import { createSessionScripts } from '../../lua/session.ts'
import type { Store } from '../../src/platform/redis.ts'
import { nodeId, sessionId, type SessionId } from '../../src/protocol/ids.ts'
import { describeNode, GATEWAY, HEAD_WAIT_MS, ROUTE, SETTLE } from '../lua/rooms.ts'
import { createAgenda } from './agenda.ts'
import { chance } from './chance.ts'
import { createReport, type Report } from './report.ts'

export interface Plan {
  /** Capacity of each node. */
  readonly capacities: readonly number[]
  /** Mean time a node works on one utterance, ms. */
  readonly serviceMs: number
  /** Share of what the fleet can do that is asked of it: 0.7 is 70 %. */
  readonly load: number
  readonly utterances: number
  /** Share of utterances that go on from the one before. */
  readonly continued: number
  /** One node leaves and another comes this often, ms; 0 is never. */
  readonly churnMs: number
  readonly seed: number
  /** How who stands in line is asked again: every so many ms, or (absent) when a slot is free. */
  readonly pollMs?: number
}

interface Node {
  readonly life: Life
  readonly capacity: number
  readonly waiting: Utterance[]
  readonly running: Set<Utterance>
}

interface Session {
  readonly id: SessionId
  left: number
  next: number
}

interface Utterance {
  readonly session: SessionId
  readonly index: number
  readonly home: 'bind' | 'clear'
  readonly cutAt: number
  /** Ordinal of its attempt. */
  n: number
}

/** Nobody speaks faster: the mean time from one cut of a session to its next, ms. */
const TURN_MS = 4000
const LONGEST_SESSION = 50
const TICK_MS = 500
/** From the news that an utterance in line could be placed to its routing: others may come in between. */
const PROMOTION_MS = 20
/** The fleet's clock never takes a step of the simulation for an outage, and no lease runs out. */
const FOREVER = 1e12

/**
 * Drives the decisions of the system in virtual time: real scripts on a real Redis, sessions that come, speak
 * and go (their lengths after Zipf), and nodes that are nothing but a queue and a time. Same seed, same load.
 */
export async function simulate(store: Store, plan: Plan): Promise<Report> {
  const random = chance(plan.seed)
  const agenda = createAgenda(1_700_000_000_000)
  const deps = { call: store.call, keys: store.keys, now: () => agenda.now }
  const policy = { leaseMs: FOREVER, recordLifeMs: 600_000, graceMs: FOREVER }
  const fleet = createFleetScripts({ ...deps, policy })
  const routing = createRoutingScripts({ ...deps, policy: { ...ROUTE, startDeadlineMs: FOREVER } })
  const completion = createCompletionScripts({ ...deps, policy: SETTLE })
  const sessions = createSessionScripts(deps)
  const nodes = new Map<string, Node>()
  const parked = new Map<string, Utterance>()
  const report = createReport()
  let cut = 0
  let settled = 0
  let named = 0

  const join = async (capacity: number): Promise<void> => {
    const id = nodeId(`n${(named += 1)}`)
    const { incarnation } = await fleet.registerNode(describeNode(id, { capacity }))
    const life = { node: id, incarnation }
    const serviceMsPerAudioS = plan.serviceMs / 3
    await fleet.beatNode(life, 'ready', {
      ...{ active: [], rssMB: 1, loopBlockedMs: 0, serviceMsPerAudioS },
    })
    nodes.set(id, { life, capacity, waiting: [], running: new Set() })
    report.joined(id, capacity)
  }
  const replace = async (): Promise<void> => {
    const gone = [...nodes.values()][Math.floor(random.unit() * nodes.size)]
    if (!gone) return
    nodes.delete(gone.life.node)
    await fleet.leaveFleet(gone.life)
    await join(gone.capacity)
    for (const utterance of [...gone.running, ...gone.waiting]) await place(utterance)
  }
  const place = async (utterance: Utterance): Promise<void> => {
    const { session, index, home, n } = utterance
    const name = `u_${session}_${index}`
    const ended = { n, code: undefined }
    report.asked()
    const route = await routing.route({ session, index, ended, pairs: ['en>es'], home })
    if (route.kind !== 'node') {
      if (route.kind !== 'no_node') throw new Error(`${name}: ${route.kind}`)
      parked.set(name, utterance)
      if (plan.pollMs !== undefined) agenda.after(plan.pollMs, () => place(utterance))
      return
    }
    parked.delete(name)
    utterance.n = route.n
    report.placed(route, utterance, parked.values())
    const node = nodes.get(route.node)
    if (!node) throw new Error(`${name} was given to ${route.node}, which is gone`)
    node.waiting.push(utterance)
    work(node)
  }
  const work = (node: Node): void => {
    while (node.running.size < node.capacity) {
      const utterance = node.waiting.shift()
      if (!utterance) return
      node.running.add(utterance)
      report.started(agenda.now - utterance.cutAt)
      const { n } = utterance
      agenda.after(random.exponential(plan.serviceMs), async () => {
        if (utterance.n === n && nodes.get(node.life.node) === node) await finish(node, utterance)
      })
    }
  }
  const finish = async (node: Node, utterance: Utterance): Promise<void> => {
    const { session, index, n } = utterance
    node.running.delete(utterance)
    work(node)
    const outcome = '{"outcome":"translated"}'
    const answer = await completion.settle({ session, index, attempt: n, outcome })
    if (answer.word !== 'settled') throw new Error(`u_${session}_${index}: ${answer.word}`)
    settled += 1
    promote(answer.waiting)
  }
  const promote = (jobs: readonly string[]): void => {
    if (plan.pollMs !== undefined) return
    agenda.after(PROMOTION_MS, async () => {
      for (const job of jobs) {
        const utterance = parked.get(job)
        if (utterance) await place(utterance)
      }
    })
  }
  const tick = async (): Promise<void> => {
    const due = await fleet.tickWatch({
      ...{
        limit: 100,
        headWaitMs: HEAD_WAIT_MS,
        startDeadlineMs: FOREVER,
        resumeWindowMs: FOREVER,
      },
    })
    promote(due.waiting)
    if (settled < plan.utterances) agenda.after(TICK_MS, tick)
  }
  const begin = async (): Promise<Session> => {
    const id = sessionId(`s${(named += 1)}`)
    const life = { lifeMs: SETTLE.sessionLifeMs, tokenHash: 't', subject: 'me', request: '{}' }
    await sessions.startSession({ session: id, gateway: GATEWAY, ...life })
    return { id, left: random.zipf(LONGEST_SESSION), next: 0 }
  }
  /** One place for a talker: sessions follow each other in it. */
  const talk = async (was: Session | undefined): Promise<void> => {
    if (cut >= plan.utterances) return
    cut += 1
    const session = was && was.left > 0 ? was : await begin()
    session.left -= 1
    const home = random.unit() < plan.continued ? 'bind' : 'clear'
    const index = session.next++
    await place({ session: session.id, index, home, cutAt: agenda.now, n: 0 })
    agenda.after(random.exponential(TURN_MS), () => talk(session))
  }

  for (const capacity of plan.capacities) await join(capacity)
  await tick()
  const canDo = plan.capacities.reduce((sum, each) => sum + each, 0) / plan.serviceMs
  const talkers = Math.round(plan.load * canDo * TURN_MS)
  for (let i = 0; i < talkers; i += 1) agenda.after(random.unit() * TURN_MS, () => talk(undefined))
  const churn = async (): Promise<void> => {
    await replace()
    if (cut < plan.utterances) agenda.after(plan.churnMs, churn)
  }
  if (plan.churnMs > 0) agenda.after(plan.churnMs, churn)
  await agenda.run()
  if (settled !== plan.utterances) throw new Error(`${settled} of ${plan.utterances} were settled`)
  return report.read()
}
