import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import type { Session } from '../session/session.ts'

/** Has a session cut what is due, and add what could not be added: when something came, and when it is time. */
export class Ticker {
  readonly #session: Pick<Session, 'isDue' | 'dueAt' | 'tick'>
  readonly #deps: { readonly clock: Clock; readonly log: Log }
  #timer: NodeJS.Timeout | undefined
  #ticking = false
  #stopped = false

  constructor(
    session: Pick<Session, 'isDue' | 'dueAt' | 'tick'>,
    deps: { clock: Clock; log: Log },
  ) {
    this.#session = session
    this.#deps = deps
  }

  /** Something came: there may be something to do now. */
  look(): void {
    if (this.#session.isDue) this.tick()
    else this.#arm()
  }

  /** What is due may be due earlier now. */
  rearm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.look()
  }

  /** Does now what is to be done, then sets the timer for the next time. */
  tick(): void {
    if (this.#ticking || this.#stopped) return
    this.#ticking = true
    this.#session
      .tick()
      .catch((error: unknown) => this.#deps.log.debug({ err: error }, 'cut put off'))
      .finally(() => {
        this.#ticking = false
        this.#arm()
      })
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #arm(): void {
    const at = this.#session.dueAt
    if (this.#timer || this.#stopped || at === undefined) return
    const wait = Math.max(0, at - this.#deps.clock.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.tick()
    }, wait)
  }
}
