import { parentPort, workerData } from 'node:worker_threads'
import { Redis } from 'ioredis'
import { createFleetScripts, type Life, type NodeState } from '../lua/fleet.ts'
import { createKeys } from '../lua/keys.ts'
import { defineScripts } from '../lua/scripts.ts'
import { leasePolicy } from '../src/platform/limits.ts'
import type { Vitals } from '../src/protocol/jobs.ts'
import type { FromLease, LeaseData, ToLease } from './lease.ts'

/**
 * Keeps the lease of a node's lives from a thread of its own, so that a main loop that is blocked reads as *alive but
 * stuck* and not as *dead*.
 */
const { url, prefix, leaseMs }: LeaseData = workerData
const redis = new Redis(url, {
  connectionName: 'node:lease',
  enableOfflineQueue: false,
  commandTimeout: leaseMs / 2,
  maxRetriesPerRequest: 0,
  // A short outage counts as silence, and another may follow: what is left of the lease is not spent waiting.
  retryStrategy: (attempt) => Math.min(25 * 2 ** attempt, leaseMs / 8),
})
redis.on('error', () => {})
const fleet = createFleetScripts({
  call: defineScripts(redis),
  keys: createKeys(prefix),
  policy: leasePolicy(leaseMs),
})
const tell = (news: FromLease): void => parentPort?.postMessage(news)

let life: Life | undefined
let state: NodeState = 'warming'
let vitals: Omit<Vitals, 'loopBlockedMs'> = { active: [], serviceMsPerAudioS: 0, rssMB: 0 }
let pulseAt = performance.now()
let beating = false
let again = false

async function beat(): Promise<void> {
  if (!life || redis.status !== 'ready') return
  again = beating
  if (beating) return
  beating = true
  const { incarnation } = life
  const carried = state
  try {
    const loopBlockedMs = Math.max(0, performance.now() - pulseAt - leaseMs / 4)
    const answer = await fleet.beatNode(life, carried, { ...vitals, loopBlockedMs })
    if (answer.kind === 'superseded') tell({ kind: 'superseded', incarnation })
    else tell({ kind: 'beaten', incarnation, state: carried, orders: answer.orders })
  } catch (error) {
    // Redis is away: the fleet's clock stands still meanwhile, the next beat is soon.
    const why = error instanceof Error ? error.message : String(error)
    tell({ kind: 'missed', incarnation, why })
  } finally {
    beating = false
  }
  // Something was asked for meanwhile.
  if (again) void beat()
}

parentPort?.on('message', (message: ToLease) => {
  pulseAt = performance.now()
  vitals = message.vitals
  if (message.state === state && message.life?.incarnation === life?.incarnation) return
  state = message.state
  life = message.life
  void beat()
})
redis.on('ready', () => void beat())
setInterval(() => void beat(), leaseMs / 4)
tell({ kind: 'up' })
