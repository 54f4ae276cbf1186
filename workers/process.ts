import { createProgressScripts } from '../lua/completion.ts'
import type { AudioStore } from '../src/platform/audio.ts'
import type { Clock } from '../src/platform/clock.ts'
import type { Log } from '../src/platform/log.ts'
import { isRedisDown, type Store } from '../src/platform/redis.ts'
import { LinguaError, type ErrorCode } from '../src/protocol/codes.ts'
import { BYTES_PER_SAMPLE } from '../src/protocol/events.ts'
import type { ChildJob, ChildResult } from '../src/protocol/jobs.ts'
import { childJob, faultsOf } from '../src/protocol/schemas.ts'
import { clip, MOST_MESSAGE } from '../src/protocol/text.ts'
import type { Attempts } from './attempts.ts'
import type { Engine } from './engine.ts'
import { runPipeline } from './pipeline.ts'
import { Progress } from './progress.ts'

export interface ProcessDeps {
  readonly store: Store
  readonly audio: AudioStore
  readonly engine: Engine
  readonly clock: Clock
  readonly log: Log
  readonly attempts: Attempts
  readonly pace: Pace
}

export type Process = (job: { data: unknown }, signal?: AbortSignal) => Promise<ChildResult>

/** The processor of child jobs. What it throws reaches the scheduler as `<code>: <text>`. */
export function createProcess(deps: ProcessDeps): Process {
  const { store, clock, log, attempts, pace } = deps
  const scripts = createProgressScripts({ call: store.call, keys: store.keys })
  return async ({ data }, signal) => {
    const parsed = childJob.safeParse(data)
    if (!parsed.success) throw new Error(`bad_request: ${faultsOf(parsed.error)}`)
    const job: ChildJob = parsed.data
    const progress = new Progress({ scripts, log }, job, signal)
    try {
      attempts.enter(job, progress)
      const began = clock.now()
      const result = await runPipeline(deps, job, progress)
      pace.note(clock.now() - began, job)
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
  const text = cause instanceof Error ? cause.message : String(cause)
  const code = cause instanceof LinguaError ? cause.code : codeOf(cause)
  return new Error(`${code}: ${clip(text, MOST_MESSAGE)}`, { cause })
}

const codeOf = (cause: unknown): ErrorCode =>
  isRedisDown(cause) ? 'dependency_down' : 'engine_error'

/** Smoothed pace of this node: milliseconds of work for a second of audio. */
export class Pace {
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
