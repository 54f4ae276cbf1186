import { hostname } from 'node:os'
import { createProgressScripts } from '../lua/completion.ts'
import { createFleetScripts } from '../lua/fleet.ts'
import { createAudioStore } from '../src/platform/audio.ts'
import { systemClock } from '../src/platform/clock.ts'
import type { Config } from '../src/platform/config.ts'
import { leasePolicy } from '../src/platform/limits.ts'
import type { Log } from '../src/platform/log.ts'
import type { Store } from '../src/platform/redis.ts'
import { isRedisDown } from '../src/platform/redis.ts'
import { VERSION } from '../src/platform/version.ts'
import { LinguaError } from '../src/protocol/codes.ts'
import { BYTES_PER_SAMPLE } from '../src/protocol/events.ts'
import { nodeId, parseAttemptId } from '../src/protocol/ids.ts'
import type { ChildJob, ChildResult } from '../src/protocol/jobs.ts'
import { childJob, faultsOf } from '../src/protocol/schemas.ts'
import { Attempts } from './attempts.ts'
import type { Engine } from './engine.ts'
import { beginLife, type LifeDeps, type NodeLife } from './life.ts'
import { runPipeline } from './pipeline.ts'
import { Progress } from './progress.ts'

export type { Engine, Stages, Synthesized, Utterance } from './engine.ts'

export interface NodeOptions {
  readonly config: Config
  readonly store: Store
  readonly engine: Engine
  readonly log: Log
}

export interface Node {
  readonly id: string
  /** Takes no new work, finishes what runs within `timeoutMs`, then leaves. The store stays open. */
  stop(timeoutMs: number): Promise<void>
}

const WARM_UP_MS = 30_000

/** Starts one inference node: warms its engine up, joins the fleet, works until it is stopped. */
export async function createNode(options: NodeOptions): Promise<Node> {
  const { config, store, engine, log } = options
  await engine.warmUp(AbortSignal.timeout(WARM_UP_MS))
  const attempts = new Attempts()
  const pace = new Pace()
  let life: NodeLife | undefined
  let stopping: Promise<void> | undefined
  const stop = (timeoutMs: number): Promise<void> =>
    (stopping ??= life?.stop(AbortSignal.timeout(timeoutMs)) ?? Promise.resolve())
  const abort = (id: string): void => {
    const attempt = parseAttemptId(id)
    if (attempt) attempts.abort(attempt.session, attempt.index, attempt.n)
  }
  const deps: LifeDeps = {
    store,
    log,
    fleet: createFleetScripts({
      call: store.call,
      keys: store.keys,
      policy: leasePolicy(config.leaseMs),
    }),
    leaseMs: config.leaseMs,
    registration: {
      id: config.node.id,
      version: VERSION,
      capacity: config.node.capacity,
      languages: engine.languages,
      engines: engine.parts,
      host: hostname(),
    },
    process: createProcess(options, attempts, pace),
    vitals: () => ({
      active: attempts.active,
      serviceMsPerAudioS: pace.msPerAudioS,
      rssMB: process.memoryUsage.rss() / 2 ** 20,
    }),
    abortAll: (reason) => attempts.abortAll(reason),
    abort,
    drain: () =>
      void stop(config.startDeadlineMs).catch((error: unknown) =>
        log.error({ err: error }, 'drain'),
      ),
    superseded: () =>
      void renew().catch((error: unknown) => log.error({ err: error }, 'no new life')),
  }
  const renew = async (): Promise<void> => {
    log.warn({ node: config.node.id, incarnation: life?.incarnation }, 'fenced: a new life begins')
    await life?.abandon()
    if (stopping) return
    life = await retrying(() => beginLife(deps))
    log.info({ node: life.node, incarnation: life.incarnation }, 'registered')
  }
  await store.subscribe(store.keys.nodeOrders(nodeId(config.node.id)), (order) =>
    abort(order.replace(/^abort /, '')),
  )
  life = await beginLife(deps)
  log.info({ node: life.node, incarnation: life.incarnation }, 'registered')
  return { id: config.node.id, stop }
}

/** The processor of child jobs. What it throws reaches the scheduler as `<code>: <text>`. */
function createProcess(
  { store, engine, log }: NodeOptions,
  attempts: Attempts,
  pace: Pace,
): LifeDeps['process'] {
  const audio = createAudioStore(store.audio, store.audioKeys)
  const scripts = createProgressScripts({ call: store.call, keys: store.keys })
  return async ({ data }, signal): Promise<ChildResult> => {
    const parsed = childJob.safeParse(data)
    if (!parsed.success) throw new Error(`bad_request: ${faultsOf(parsed.error)}`)
    const job: ChildJob = parsed.data
    const progress = new Progress({ scripts, log }, job, signal)
    try {
      attempts.enter(job, progress)
      const began = systemClock.now()
      const result = await runPipeline({ engine, audio, clock: systemClock }, job, progress)
      pace.note(systemClock.now() - began, job)
      return result
    } catch (error) {
      throw toFailure(error)
    } finally {
      progress.end()
      attempts.leave(job, progress)
    }
  }
}

function toFailure(cause: unknown): Error {
  if (cause instanceof LinguaError) return new Error(`${cause.code}: ${cause.message}`, { cause })
  const text = cause instanceof Error ? cause.message : String(cause)
  return new Error(`${isRedisDown(cause) ? 'dependency_down' : 'engine_error'}: ${text}`, { cause })
}

const RETRY_MS = 250

/** Tries until Redis is there again. */
async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isRedisDown(error)) throw error
      await new Promise((resolve) => void setTimeout(resolve, RETRY_MS))
    }
  }
}

/** Smoothed pace of this node: milliseconds of work for a second of audio. */
class Pace {
  #msPerAudioS = 0

  get msPerAudioS(): number {
    return this.#msPerAudioS
  }

  note(spentMs: number, { audio }: ChildJob): void {
    const seconds = Math.max(0.1, audio.bytes / (audio.sampleRate * BYTES_PER_SAMPLE))
    const pace = spentMs / seconds
    this.#msPerAudioS = this.#msPerAudioS === 0 ? pace : this.#msPerAudioS * 0.8 + pace * 0.2
  }
}
