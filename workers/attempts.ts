import { LinguaError } from '../src/protocol/codes.ts'
import type { ChildJob } from '../src/protocol/jobs.ts'
import type { Progress } from './progress.ts'

/** Attempts at work on this node: for each utterance only the highest one is of any use. */
export class Attempts {
  readonly #running = new Map<string, { readonly attempt: number; readonly progress: Progress }>()

  /** Refuses an attempt below the one at work here, and aborts the one below this. */
  enter({ sessionId, index, attempt }: ChildJob, progress: Progress): void {
    const key = keyOf(sessionId, index)
    const running = this.#running.get(key)
    if (running && running.attempt >= attempt)
      throw new LinguaError('cancelled', `attempt ${running.attempt} is at work here`)
    running?.progress.abort(new LinguaError('cancelled', `attempt ${attempt} has begun here`))
    this.#running.set(key, { attempt, progress })
  }

  /** Forgets what entered with this `progress`; nothing if that was refused or has been replaced. */
  leave({ sessionId, index }: ChildJob, progress: Progress): void {
    const key = keyOf(sessionId, index)
    if (this.#running.get(key)?.progress === progress) this.#running.delete(key)
  }

  /** Aborts one attempt, if it runs here. */
  abort(session: string, index: number, attempt: number): void {
    const running = this.#running.get(keyOf(session, index))
    if (running?.attempt === attempt) running.progress.abort(new LinguaError('cancelled'))
  }

  abortAll(reason: LinguaError): void {
    for (const { progress } of this.#running.values()) progress.abort(reason)
  }

  get active(): readonly string[] {
    return [...this.#running].map(([key, { attempt }]) => `${key}.${attempt}`)
  }
}

const keyOf = (session: string, index: number): string => `u_${session}_${index}`
