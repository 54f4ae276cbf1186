import type { ProgressScripts } from '../lua/completion.ts'
import type { Log } from '../src/platform/log.ts'
import { LinguaError } from '../src/protocol/codes.ts'
import type { Stage } from '../src/protocol/events.ts'
import { sessionId } from '../src/protocol/ids.ts'
import type { ChildJob } from '../src/protocol/jobs.ts'

/**
 * How far an attempt is, and whether it still has a point. The signal aborts when the budget is used up,
 * when the node is told so, and when Redis answers that the attempt is not the current one any more.
 */
export class Progress {
  readonly signal: AbortSignal
  readonly #abort = new AbortController()
  readonly #scripts: ProgressScripts
  readonly #job: ChildJob
  readonly #log: Log
  #timer: NodeJS.Timeout | undefined

  constructor(deps: { scripts: ProgressScripts; log: Log }, job: ChildJob, outer?: AbortSignal) {
    this.#scripts = deps.scripts
    this.#log = deps.log
    this.#job = job
    this.signal = outer ? AbortSignal.any([outer, this.#abort.signal]) : this.#abort.signal
    this.#extend()
  }

  /** Tells a stage, which moves the deadline on. Lossy: resolves when it is told, or cannot be. */
  async tell(stage: Exclude<Stage, 'dispatched'>, text?: string): Promise<void> {
    this.#extend()
    const { sessionId: session, index, attempt, budgetMs } = this.#job
    try {
      const word = await this.#scripts.progress({
        session: sessionId(session),
        index,
        attempt,
        stage,
        budgetMs,
        ...(text !== undefined && { text }),
      })
      if (word !== 'told') this.abort(new LinguaError('cancelled', `the attempt is ${word}`))
    } catch (error) {
      this.#log.debug({ err: error, stage }, 'progress not told')
    }
  }

  abort(reason: LinguaError): void {
    this.#abort.abort(reason)
  }

  /** A stage's result, or the abort's reason: an engine that does not listen holds nobody up. */
  async within<T>(stage: Promise<T>): Promise<T> {
    const { signal } = this
    let listener = (): void => {}
    const aborted = new Promise<never>((_, reject) => {
      listener = () => reject(reasonOf(signal))
      // Raced all the same: what the stage rejects with later must not be left unhandled.
      if (signal.aborted) listener()
      signal.addEventListener('abort', listener, { once: true })
    })
    try {
      return await Promise.race([aborted, stage])
    } finally {
      signal.removeEventListener('abort', listener)
    }
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #extend(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.abort(new LinguaError('deadline')), this.#job.budgetMs)
  }
}

const reasonOf = ({ reason }: AbortSignal): Error =>
  reason instanceof Error ? reason : new LinguaError('cancelled')
