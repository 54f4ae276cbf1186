import { join } from 'node:path'
import { startPart, type Part } from '../../src/tools/processes.ts'
import { ROOT } from './copy.ts'
import type { History } from './history.ts'

/** Ends or stops a process at a named script. */
export interface Strike {
  /** `settle`, a script of BullMQ such as `moveToFinished`, or a plain command such as `hdel`. */
  readonly script: string
  readonly when: 'before' | 'after'
  /** Which of its calls, from 1. */
  readonly nth: number
  /** Only calls with this text in a key or an argument count. */
  readonly match?: string
  readonly signal: 'SIGKILL' | 'SIGSTOP'
}

export interface MemberOptions {
  readonly name: string
  readonly entry: URL
  readonly env: Readonly<Record<string, string>>
  /** Where its log and its trace are written. */
  readonly folder: string
  readonly history: History
  /** Called with what its ready line shows, and with undefined when it is down. */
  readonly onChange?: (ready: Readonly<Record<string, unknown>> | undefined) => void
}

const PATIENCE_MS = 20_000

/**
 * One place in the system, held by one process after another under the same name.
 *
 *   down -start-> up -freeze-> frozen -thaw-> up -kill, end, its own death-> down
 */
export class Member {
  readonly name: string
  readonly #options: MemberOptions
  #part: Part | undefined
  #starting: Promise<void> | undefined
  #isFrozen = false
  #isClosed = false
  #lives = 0

  constructor(options: MemberOptions) {
    this.name = options.name
    this.#options = options
  }

  get isUp(): boolean {
    return this.#part !== undefined
  }

  /** Resolves when the process of now has ended. */
  get ended(): Promise<void> {
    return this.#part?.ended ?? Promise.resolve()
  }

  get pid(): number {
    return Number(this.#part?.ready['pid'])
  }

  get traces(): readonly string[] {
    return Array.from({ length: this.#lives }, (_, i) => this.#fileOf(i + 1))
  }

  /** Does nothing if it is up. A start that is under way is joined, with its own strikes. */
  start(strikes: readonly Strike[] = []): Promise<void> {
    if (this.#part) return Promise.resolve()
    if (this.#isClosed) return Promise.reject(new Error(`${this.name} is not needed any more`))
    this.#starting ??= this.#start(strikes).finally(() => (this.#starting = undefined))
    return this.#starting
  }

  async #start(strikes: readonly Strike[]): Promise<void> {
    const { name, entry, env, folder, history, onChange } = this.#options
    this.#lives += 1
    const part = await startPart({
      name: `${name}.${this.#lives}`,
      entry,
      env: {
        ...env,
        NODE_OPTIONS: `--import ${join(ROOT, 'test', 'chaos', 'preload.mjs')}`,
        CHAOS_TRACE: this.#fileOf(this.#lives),
        CHAOS_STRIKES: JSON.stringify(strikes),
      },
      logs: folder,
    })
    this.#part = part
    this.#isFrozen = false
    history.note({ kind: 'up', who: name })
    onChange?.(part.ready)
    void part.ended.then(() => {
      if (this.#part === part) this.#gone('ended')
    })
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#starting?.catch(() => {})
    await this.kill()
  }

  kill(): Promise<void> {
    const part = this.#part
    this.#gone('SIGKILL')
    part?.kill('SIGKILL')
    return part?.ended ?? Promise.resolve()
  }

  /** Asks it to end in order; by force if it does not within 20 s. */
  async end(): Promise<void> {
    const part = this.#part
    if (!part) return
    this.#options.history.note({ kind: 'down', who: this.name, how: 'SIGTERM' })
    part.kill('SIGTERM')
    const timer = setTimeout(() => part.kill('SIGKILL'), PATIENCE_MS)
    await part.ended
    clearTimeout(timer)
  }

  freeze(): void {
    if (!this.#part) return
    this.#isFrozen = true
    this.#options.history.note({ kind: 'down', who: this.name, how: 'SIGSTOP' })
    this.#part.kill('SIGSTOP')
  }

  /** Lets it go on, whoever stopped it. */
  thaw(): void {
    if (!this.#part) return
    this.#part.kill('SIGCONT')
    if (this.#isFrozen) this.#options.history.note({ kind: 'up', who: this.name })
    this.#isFrozen = false
  }

  #gone(how: string): void {
    if (!this.#part) return
    this.#part = undefined
    this.#options.history.note({ kind: 'down', who: this.name, how })
    this.#options.onChange?.(undefined)
  }

  #fileOf(life: number): string {
    return join(this.#options.folder, `${this.name}.${life}.trace`)
  }
}
