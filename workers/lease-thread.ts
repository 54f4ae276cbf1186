import { parentPort, workerData } from 'node:worker_threads'
import { Redis } from 'ioredis'
import { createFleetScripts, type NodeState } from '../lua/fleet.ts'
import { createKeys } from '../lua/keys.ts'
import { defineScripts } from '../lua/scripts.ts'
import { leasePolicy } from '../src/platform/limits.ts'
import type { Vitals } from '../src/protocol/jobs.ts'
import type { FromLease, LeaseData, ToLease } from './lease.ts'

/**
 * Keeps a node's lease from a thread of its own, so that a main loop that is blocked reads as *alive but
 * stuck* and not as *dead*.
 */
const { url, prefix, life, leaseMs }: LeaseData = workerData
const redis = new Redis(url, {
  connectionName: 'node:lease',
  enableOfflineQueue: false,
  commandTimeout: leaseMs / 2,
  maxRetriesPerRequest: 0,
  retryStrategy: (attempt) => Math.min(25 * 2 ** attempt, leaseMs / 4),
})
redis.on('error', () => {})
const fleet = createFleetScripts({
  call: defineScripts(redis),
  keys: createKeys(prefix),
  policy: leasePolicy(leaseMs),
})
const tell = (news: FromLease): void => parentPort?.postMessage(news)

let state: NodeState = 'warming'
let vitals: Omit<Vitals, 'loopBlockedMs'> = { active: [], serviceMsPerAudioS: 0, rssMB: 0 }
let pulseAt = performance.now()
let beating = false

async function beat(): Promise<void> {
  if (beating || redis.status !== 'ready') return
  beating = true
  try {
    const loopBlockedMs = Math.max(0, performance.now() - pulseAt - leaseMs / 4)
    const answer = await fleet.beatNode(life, state, { ...vitals, loopBlockedMs })
    if (answer.kind === 'superseded') tell({ kind: 'superseded' })
    else tell({ kind: 'beaten', state, orders: answer.orders })
  } catch (error) {
    // Redis is away: the fleet's clock stands still meanwhile, the next beat is soon.
    tell({ kind: 'missed', why: error instanceof Error ? error.message : String(error) })
  } finally {
    beating = false
  }
}

parentPort?.on('message', (message: ToLease) => {
  pulseAt = performance.now()
  vitals = message.vitals
  if (message.state === state) return
  state = message.state
  void beat()
})
redis.once('ready', () => void beat())
setInterval(() => void beat(), leaseMs / 4)
