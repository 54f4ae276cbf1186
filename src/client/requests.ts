import type { ErrorCode, LinguaError } from '../protocol/codes.ts'
import type { Answer } from '../protocol/events.ts'
import { errorFromWire, type Wire } from './link.ts'

/** Refusals that pass: the server has changed nothing, and the same is to be sent again. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'chunk_gap',
  'rate_limited',
  'overloaded',
  'dependency_down',
  'draining',
])

export const isPassing = (error: LinguaError): boolean => PASSING.has(error.code)

interface Request {
  /** Sent only behind this chunk; -1 waits for none. */
  readonly after: number
  /** Counts sendings, so that the answer to one that was taken back is not taken for the last. */
  sending: number
  isSent: boolean
  emit(wire: Wire): void
  reject(error: LinguaError): void
}

export interface Question<T extends object> {
  readonly after: number
  emit(wire: Wire, answered: (answer: Answer<T>) => void): void
}

/**
 * What was asked and is not answered. A request is sent once on each connection, behind the audio
 * it speaks of, and again whenever that audio is; by protocol its repeats are harmless.
 */
export class Requests {
  #open: Request[] = []
  readonly #onRefusal: (error: LinguaError) => void

  /** `onRefusal` hears of each passing refusal; the refused request then waits for `sendDue`. */
  constructor(onRefusal: (error: LinguaError) => void) {
    this.#onRefusal = onRefusal
  }

  /** Resolves with the answer, or rejects with a refusal that will not pass. */
  ask<T extends object>(question: Question<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const request: Request = {
        after: question.after,
        sending: 0,
        isSent: false,
        reject,
        emit: (wire) => {
          request.isSent = true
          const sending = (request.sending += 1)
          question.emit(wire, (answer) => {
            if (!request.isSent || sending !== request.sending) return
            if (answer.ok) {
              this.#forget(request)
              resolve(answer)
            } else this.#refuse(request, errorFromWire(answer.error))
          })
        },
      }
      this.#open.push(request)
    })
  }

  /** Sends, in the order asked, what is unsent and not behind the chunk `cursor`. */
  sendDue(wire: Wire, cursor: number): void {
    for (const request of this.#open)
      if (!request.isSent && request.after < cursor) request.emit(wire)
  }

  /** Takes back the sendings of everything behind chunk `from`; of everything when left out. */
  takeBack(from = -1): void {
    for (const request of this.#open) if (request.after >= from) request.isSent = false
  }

  /** Rejects whatever is unanswered. */
  fail(error: LinguaError): void {
    for (const request of this.#open.splice(0)) request.reject(error)
  }

  #refuse(request: Request, error: LinguaError): void {
    request.isSent = false
    if (isPassing(error)) return this.#onRefusal(error)
    this.#forget(request)
    request.reject(error)
  }

  #forget(request: Request): void {
    this.#open = this.#open.filter((other) => other !== request)
  }
}
