import { hostname } from 'node:os'
import { createFleetScripts, parseOrder, type Order } from '../lua/fleet.ts'
import { createAudioStore } from '../src/platform/audio.ts'
import { systemClock } from '../src/platform/clock.ts'
import type { Config } from '../src/platform/config.ts'
import { leasePolicy } from '../src/platform/limits.ts'
import type { Log } from '../src/platform/log.ts'
import type { Store } from '../src/platform/redis.ts'
import { VERSION } from '../src/platform/version.ts'
import { nodeId, parseAttemptId } from '../src/protocol/ids.ts'
import { Attempts } from './attempts.ts'
import type { Engine } from './engine.ts'
import { LateResults } from './late-results.ts'
import { openLease } from './lease.ts'
import { beginLife, type LifeDeps, type NodeLife } from './life.ts'
import { startLives } from './lives.ts'
import { createProcess, Pace } from './process.ts'

export type { Engine, Stages, Synthesized, Utterance } from './engine.ts'

export interface NodeOptions {
  readonly config: Config
  readonly store: Store
  readonly engine: Engine
  readonly log: Log
}

export interface Node {
  readonly id: string
  /** Resolves when it has left the fleet because it was ordered to drain. */
  readonly drained: Promise<void>
  /** Takes no new work, finishes what runs within `timeoutMs`, then leaves. The store stays open. */
  stop(timeoutMs: number): Promise<void>
}

const WARM_UP_MS = 30_000

/** Starts one inference node: warms its engine up, joins the fleet, works until it is stopped. */
export async function createNode(options: NodeOptions): Promise<Node> {
  const { config, store, engine, log } = options
  await engine.warmUp(AbortSignal.timeout(WARM_UP_MS))
  const attempts = new Attempts()
  let drain = (): void => {}
  const ordered = new Promise<void>((resolve) => void (drain = resolve))
  const obey = (order: Order): void => {
    if (order.kind === 'drain') drain()
    else abort(attempts, order.attempt)
  }
  const { lease, ...deps } = await lifeDeps(options, attempts)
  const begin = (superseded: () => void): Promise<NodeLife> =>
    beginLife({ ...deps, lease, order: obey, superseded })
  const lives = await startLives(begin, log).catch(async (error: unknown) => {
    await lease.close()
    throw error
  })
  await store.subscribe(store.keys.nodeOrders(nodeId(config.node.id)), (text) => {
    const order = parseOrder(text)
    // The channel belongs to everybody who has had this id, and a drain to one life.
    const isOurs = order?.kind === 'abort' || order?.incarnation === lives.current?.incarnation
    if (order && isOurs) obey(order)
  })
  const stop = async (timeoutMs: number): Promise<void> => {
    await lives.stop(AbortSignal.timeout(timeoutMs))
    await lease.close()
  }
  const drained = ordered.then(async () => {
    log.info({ node: config.node.id }, 'ordered to drain')
    await stop(config.overallDeadlineMs).catch((error: unknown) =>
      log.error({ err: error }, 'drain'),
    )
  })
  return { id: config.node.id, drained, stop }
}

async function lifeDeps(
  { config, store, engine, log }: NodeOptions,
  attempts: Attempts,
): Promise<Omit<LifeDeps, 'order' | 'superseded'>> {
  const { call, keys } = store
  const { leaseMs } = config
  const pace = new Pace()
  const late = new LateResults()
  const audio = createAudioStore(store.audio, store.audioKeys)
  const lease = await openLease({ url: store.url, prefix: keys.prefix, leaseMs }, () => ({
    active: attempts.active,
    serviceMsPerAudioS: pace.msPerAudioS,
    rssMB: process.memoryUsage.rss() / 2 ** 20,
    lateResults: late.count,
  }))
  return {
    store,
    log,
    lease,
    fleet: createFleetScripts({ call, keys, policy: leasePolicy(leaseMs) }),
    registration: {
      id: config.node.id,
      version: VERSION,
      capacity: config.node.capacity,
      languages: engine.languages,
      engines: engine.parts,
      host: hostname(),
    },
    process: createProcess({ store, audio, engine, clock: systemClock, log, attempts, pace }),
    late,
    abortAll: (reason) => attempts.abortAll(reason),
  }
}

function abort(attempts: Attempts, id: string): void {
  const attempt = parseAttemptId(id)
  if (attempt) attempts.abort(attempt.session, attempt.index, attempt.n)
}
