import { setTimeout as pause } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { QUEUE } from '../parts/raw.ts'
import type { RawNodeOptions } from '../parts/raw-node.ts'
import { sharedNow } from '../clock.ts'
import type { Context, Figure, Measured, Row } from '../row.ts'
import { openStage, type Stage } from '../stage.ts'
import { quantile } from '../statistics.ts'

const AT_ONCE = 20
const KILLS = 5
const LEASES_MS = [2000, 1500] as const
const TUNED: RawNodeOptions = { concurrency: AT_ONCE, lockDuration: 5000, stalledInterval: 1000 }
const DEFAULT: RawNodeOptions = {
  concurrency: AT_ONCE,
  lockDuration: 30_000,
  stalledInterval: 30_000,
}

/** From the SIGKILL of a node to the start of its utterances elsewhere, against BullMQ's own recovery. */
export const failover: Row = {
  name: 'failover',
  quick: false,
  async measure(context: Context): Promise<Measured> {
    const floors = [
      `tuned ${await floorOf(context, TUNED, 5)}`,
      `default ${await floorOf(context, DEFAULT, 1)}`,
    ]
    const figures: Figure[] = []
    for (const leaseMs of LEASES_MS)
      figures.push(...(await withLease(context, leaseMs, floors.join(', '))))
    return { figures }
  },
}

/** A fresh Redis each, so that no lease outlives its figure. */
async function withLease({ stage: { ending }, tell }: Context, leaseMs: number, floor: string) {
  const stage = await openStage(ending)
  try {
    const ms: number[] = []
    for await (const lost of kills(stage, leaseMs)) {
      ms.push(...lost)
      tell(`lease ${leaseMs} ms: ${ms.length} utterances, p99 ${quantile(ms, 0.99).toFixed(0)} ms`)
    }
    return figuresOf(leaseMs, ms, floor)
  } finally {
    await stage.close()
  }
}

/** Each round kills the node that holds everything while another is there. */
async function* kills(stage: Stage, leaseMs: number): AsyncGenerator<number[]> {
  const lease = { LINGUA_NODE_LEASE_MS: String(leaseMs) }
  const { url } = await stage.scheduler(lease)
  let holder = await stage.node('n0', lease)
  for (let round = 1; round <= KILLS; round++) {
    const survive = stage.load('survive')
    await survive.ask('open', { url, count: AT_ONCE })
    await survive.ask('begin')
    const other = await stage.node(`n${round}`, lease)
    await pause(Math.random() * leaseMs)
    const killedAt = sharedNow()
    holder.kill('SIGKILL')
    const restarted = await survive.ask<number[]>('restarted')
    yield restarted.map((at) => at - killedAt)
    await survive.ask('close')
    await survive.stop()
    holder = other
  }
}

function figuresOf(leaseMs: number, ms: readonly number[], floor: string): Figure[] {
  const at = (q: number): number => quantile(ms, q)
  const shown = (value: number): string => `${(value / 1000).toFixed(2)} s`
  const common = { floor, unit: 'ms', better: 'less' } as const
  const what = `failover, lease ${leaseMs / 1000} s: SIGKILL to started elsewhere`
  const low = Math.min(...ms)
  return [
    {
      ...{ ...common, id: `failover-${leaseMs}-p99`, what: `${what}, p99` },
      ...{ system: shown(at(0.99)), must: leaseMs + 1000 },
      score: { median: at(0.99), low, high: Math.max(...ms) },
      notes: [`${ms.length} utterances, ${AT_ONCE} at a time; floor: recovery of stalled jobs`],
    },
    {
      ...{ ...common, id: `failover-${leaseMs}-p50`, what: `${what}, p50` },
      ...{ system: shown(at(0.5)), aim: leaseMs },
      score: { median: at(0.5), low, high: Math.max(...ms) },
      notes: [],
    },
  ]
}

/** Plain BullMQ on a queue that two workers share: a lock that expires, found by the other's check. */
async function floorOf(
  { stage: { ending }, tell }: Context,
  options: RawNodeOptions,
  rounds: number,
): Promise<string> {
  const ms: number[] = []
  for (let round = 1; round <= rounds; round++) {
    tell(`BullMQ, lock of ${options.lockDuration} ms: round ${round} of ${rounds}`)
    const stage = await openStage(ending)
    try {
      ms.push(...(await killOne(stage, options)))
    } finally {
      await stage.close()
    }
  }
  const seconds = (q: number): string => (quantile(ms, q) / 1000).toFixed(1)
  return `p50 ${seconds(0.5)} s, p99 ${seconds(0.99)} s`
}

async function killOne(stage: Stage, options: RawNodeOptions): Promise<number[]> {
  const queue = new Queue(QUEUE, { connection: stage.redis })
  const victim = stage.load('raw-node')
  await victim.ask('open', { ...options, hang: true })
  await queue.addBulk(Array.from({ length: AT_ONCE }, () => ({ name: 'utterance', data: {} })))
  await victim.ask('begun', { count: AT_ONCE })
  const other = stage.load('raw-node')
  await other.ask('open', options)
  await pause(Math.random() * 2000)
  const killedAt = sharedNow()
  await victim.stop()
  const begun = await other.ask<number[]>('begun', { count: AT_ONCE })
  return begun.map((at) => at - killedAt)
}
