import { Queue, Worker } from 'bullmq'
import type { FleetScripts, Life, Order } from '../lua/fleet.ts'
import { LinguaError } from '../src/protocol/codes.ts'
import { nodeId } from '../src/protocol/ids.ts'
import type { ChildJob, ChildResult, Registration } from '../src/protocol/jobs.ts'
import type { LateResults } from './late-results.ts'
import type { Lease } from './lease.ts'
import type { Log } from '../src/platform/log.ts'
import type { Store } from '../src/platform/redis.ts'
import type { Process } from './process.ts'

export interface LifeDeps {
  readonly store: Store
  readonly fleet: FleetScripts
  readonly log: Log
  readonly lease: Lease
  readonly registration: Registration
  readonly process: Process
  readonly late: LateResults
  readonly abortAll: (reason: LinguaError) => void
  readonly order: (order: Order) => void
  /** This life is over though nobody here ended it: fenced, or another process has the id. */
  readonly superseded: () => void
}

export interface NodeLife extends Life {
  /** Takes no new work and hands on what waits; resolves when what runs is done, or at the deadline. */
  stop(deadline: AbortSignal): Promise<void>
  /** Lets go at once: another life has begun. */
  abandon(): Promise<void>
}

/** What waits in the queue of a draining node goes elsewhere at once: its parents wake and route again. */
async function handOn({ store, log }: LifeDeps, name: string): Promise<void> {
  const queue = new Queue(name, {
    connection: store.control,
    prefix: store.keys.prefix,
    skipMetasUpdate: true,
    skipVersionCheck: true,
  })
  queue.on('error', (error) => log.debug({ err: error, queue: name }, 'queue connection'))
  await queue
    .drain()
    .catch((error: unknown) => log.debug({ err: error, queue: name }, 'not drained'))
  await queue.close()
}

/** Redis may be away while a node stops: its lease then ends the life all the same. */
const HAND_ON_MS = 1000

/** Resolves once `signal` has aborted. */
export const whenAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

const NODE_LOCK_MS = 120_000

/**
 * One life of a node, from registration to its end: an incarnation, a queue nobody else pulls, a lease.
 *
 *   warming -> ready -> draining -> left          by its own will
 *                  \-> superseded                 fenced; a new life begins
 */
export async function beginLife(deps: LifeDeps): Promise<NodeLife> {
  const { store, fleet, lease, log, registration } = deps
  const { incarnation, queue } = await fleet.registerNode(registration)
  const life: Life = { node: nodeId(registration.id), incarnation }
  const worker = new Worker<ChildJob, ChildResult>(
    queue,
    async (job, _token, signal) => deps.process(job, signal),
    {
      connection: store.worker,
      prefix: store.keys.prefix,
      autorun: false,
      concurrency: registration.capacity,
      lockDuration: NODE_LOCK_MS,
      skipStalledCheck: true,
      drainDelay: 1,
      runRetryDelay: 500,
    },
  )
  worker.on('error', (error) => {
    const isLate = deps.late.note(error)
    log.debug({ err: error, queue }, isLate ? 'late result not let in' : 'node worker')
  })
  let ended = false
  const beating = lease.begin(life, {
    order: deps.order,
    missed: (why) => log.warn({ node: life.node, why }, 'beat missed'),
    superseded: () => {
      if (!ended) deps.superseded()
      ended = true
    },
  })
  await worker.waitUntilReady()
  worker.run().catch((error: unknown) => log.error({ err: error, queue }, 'node worker ended'))
  await beating.become('ready')
  const letGo = async (): Promise<void> => {
    ended = true
    deps.abortAll(new LinguaError('node_lost', 'this life of the node is over'))
    await worker.close(true)
    beating.end()
  }
  return {
    ...life,
    async stop(deadline) {
      if (ended) return
      ended = true
      const late = whenAborted(deadline)
      // Nothing is fetched from here on; what runs goes on.
      const finished = worker.close()
      const handedOn = Promise.race([
        beating.become('draining'),
        whenAborted(AbortSignal.timeout(HAND_ON_MS)),
      ])
      await Promise.race([handedOn.then(() => handOn(deps, queue)), late])
      await Promise.race([finished, late])
      await fleet.leaveFleet(life).catch((error: unknown) => log.debug({ err: error }, 'not left'))
      await letGo()
    },
    abandon: letGo,
  }
}
