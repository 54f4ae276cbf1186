import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../src/platform/log.ts'
import { LinguaError } from '../../src/protocol/codes.ts'

/** One life of a child process. */
export interface Child {
  /** Resolves once it can work; rejects with the reason when it never will. */
  readonly ready: Promise<void>
  /** Resolves when its processes are gone; never rejects. */
  readonly gone: Promise<void>
  /** False from the moment it is dying or being ended, which is before it is gone. */
  readonly alive: boolean
  end(): void
}

export interface ChildPoolDeps<C extends Child> {
  readonly name: string
  readonly size: number
  readonly log?: Log | undefined
  /** Starts one child, without waiting until it is ready. */
  readonly begin: () => C
}

interface Waiting<C> {
  readonly resolve: (child: C) => void
  readonly reject: (reason: unknown) => void
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000
const pauseMs = (failures: number): number =>
  failures === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS)

/**
 * Keeps `size` children alive and lends them out, first come first served. A place goes
 *
 *   starting -> lent or free -> dying -> starting            (at once)
 *   starting -> unable -> pausing (0.1 to 5 s) -> starting   (while it cannot start)
 *
 * and while every place is unable callers get `engine_missing` instead of waiting.
 */
export class ChildPool<C extends Child> {
  readonly #deps: ChildPoolDeps<C>
  readonly #children = new Set<C>()
  readonly #waiting = new Set<Waiting<C>>()
  readonly #closing = new AbortController()
  readonly #places: readonly Promise<void>[]
  #free: C[] = []
  #unable = 0
  #lastFailure: Error | undefined

  constructor(deps: ChildPoolDeps<C>) {
    this.#deps = deps
    this.#places = Array.from({ length: deps.size }, () => this.#keepPlace())
  }

  /** Resolves when a first child is ready; closes and throws `engine_missing` if none can start. */
  async open(): Promise<this> {
    try {
      this.put(await this.take(this.#closing.signal))
      return this
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Lends a ready child; give it back with `put`. Rejects with `signal.reason` once aborted. */
  async take(signal: AbortSignal): Promise<C> {
    signal.throwIfAborted()
    const refusal = this.#refusal()
    if (refusal) throw refusal
    const child = this.#takeFree()
    if (child) return child
    return await new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#waiting.delete(waiting)
        reject(signal.reason)
      }
      const settled = (): void => signal.removeEventListener('abort', stop)
      const waiting: Waiting<C> = {
        resolve: (lent) => (settled(), resolve(lent)),
        reject: (reason) => (settled(), reject(reason)),
      }
      signal.addEventListener('abort', stop, { once: true })
      this.#waiting.add(waiting)
    })
  }

  /** Takes back a lent child, dead or alive. */
  put(child: C): void {
    if (!child.alive) return
    const [next] = this.#waiting
    if (!next) {
      this.#free.push(child)
      return
    }
    this.#waiting.delete(next)
    next.resolve(child)
  }

  /** Ends every child and resolves when all are gone. Safe to call twice. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#refuseWaiting()
    for (const child of this.#children) child.end()
    await Promise.all(this.#places)
  }

  #takeFree(): C | undefined {
    const child = this.#free.find((free) => free.alive)
    this.#free = this.#free.filter((free) => free !== child)
    return child
  }

  async #keepPlace(): Promise<void> {
    let failures = 0
    while (!this.#closing.signal.aborted) {
      const child = this.#deps.begin()
      this.#children.add(child)
      const started = await this.#watchStart(child)
      if (started && failures > 0) this.#unable -= 1
      if (!started && failures === 0) this.#unable += 1
      failures = started ? 0 : failures + 1
      if (started) this.put(child)
      else this.#refuseWaiting()
      await child.gone
      this.#forget(child)
      await this.#pause(failures)
    }
  }

  async #watchStart(child: C): Promise<boolean> {
    const { name, log } = this.#deps
    try {
      await child.ready
      log?.debug({ engine: name }, 'engine child ready')
      return true
    } catch (error) {
      this.#lastFailure = error instanceof Error ? error : new Error(String(error))
      if (!this.#closing.signal.aborted)
        log?.warn({ engine: name, err: error }, 'engine child did not start')
      child.end()
      return false
    }
  }

  #forget(child: C): void {
    this.#children.delete(child)
    this.#free = this.#free.filter((free) => free !== child)
    this.#deps.log?.info({ engine: this.#deps.name }, 'engine child ended')
  }

  async #pause(failures: number): Promise<void> {
    // Aborted by closing, when there is nothing left to wait for.
    await sleep(pauseMs(failures), undefined, { signal: this.#closing.signal }).catch(() => {})
  }

  #refusal(): LinguaError | undefined {
    const { name, size } = this.#deps
    if (this.#closing.signal.aborted) return new LinguaError('engine_busy', `${name} is closing`)
    if (this.#unable < size) return undefined
    const cause = this.#lastFailure
    return new LinguaError('engine_missing', `${name} cannot start: ${cause?.message}`, { cause })
  }

  #refuseWaiting(): void {
    const refusal = this.#refusal()
    if (!refusal) return
    for (const waiting of this.#waiting) waiting.reject(refusal)
    this.#waiting.clear()
  }
}
