import { connect, type FinalResult, type Session } from '../../src/client/client.ts'
import { LinguaError } from '../../src/protocol/codes.ts'
import type { History } from './history.ts'
import { BYTES_PER_MS } from './speech.ts'
import { asClient, withoutSpeech, type OnWire } from './wire.ts'

export interface TalkOptions {
  readonly urls: readonly string[]
  /** Name of the client. */
  readonly client: string
  readonly history: History
  readonly mode?: 'manual' | 'gap'
  readonly speech?: boolean
}

/** A session whose every word is noted. */
export interface Talk {
  readonly id: string
  readonly hasEnded: boolean
  /** Utterances that are known to be cut and have no final result. */
  readonly unfinished: number
  append(audio: Buffer): void
  /** Undefined when the session ended before it was answered. */
  commit(): Promise<number | null | undefined>
  cancel(index: number): Promise<void>
  final(index: number): Promise<FinalResult>
  /** Resolves with true when all that was appended has its outcome, with false after `ms`. */
  quiet(ms: number): Promise<boolean>
  close(): Promise<void>
  leave(): void
}

/** Rejects as `connect` does. */
export async function openTalk(options: TalkOptions): Promise<Talk> {
  const { urls, client, history, mode = 'manual', speech = false } = options
  const onWire: OnWire = { history, session: undefined }
  const session = await asClient(onWire, () =>
    connect(urls, { source: 'en', target: 'es', endpointing: { mode }, speech }),
  )
  onWire.session = session.id
  history.note({ kind: 'opened', session: session.id, client })
  return new RecordedTalk(session, history)
}

class RecordedTalk implements Talk {
  readonly id: string
  readonly #session: Session
  readonly #history: History
  readonly #open = new Set<number>()
  readonly #finals = new Map<number, FinalResult>()
  readonly #waiting = new Set<() => void>()
  #appended = 0
  #covered = 0
  #hasEnded = false

  constructor(session: Session, history: History) {
    this.id = session.id
    this.#session = session
    this.#history = history
    const { id } = this
    session.on('finalized', ({ index, reason, startMs, durationMs }) => {
      history.note({ kind: 'finalized', session: id, index, reason, startMs, durationMs })
      if (!this.#finals.has(index)) this.#open.add(index)
    })
    session.on('result', (result) => {
      history.note({ kind: 'delivered', session: id, result: withoutSpeech(result) })
      if (result.kind === 'final') this.#ends(result)
    })
    session.on('lost', ({ from, to }) => history.note({ kind: 'lost', session: id, from, to }))
    session.on('error', ({ code }) => history.note({ kind: 'refused', session: id, code }))
    session.on('closed', ({ reason, error }) => {
      this.#hasEnded = true
      const why = error && { error: `${error.code}: ${error.message}` }
      history.note({ kind: 'ended', session: id, reason, ...why })
      this.#look()
    })
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get unfinished(): number {
    return this.#open.size
  }

  append(audio: Buffer): void {
    this.#session.append(audio)
    this.#appended += audio.length
    this.#history.note({ kind: 'appended', session: this.id, audio: audio.toString('base64') })
  }

  async commit(): Promise<number | null | undefined> {
    const index = await this.#ask('commit', () => this.#session.commit())
    if (typeof index === 'number' && !this.#finals.has(index)) this.#open.add(index)
    return index
  }

  async cancel(index: number): Promise<void> {
    await this.#ask('cancel', () => this.#session.cancel(index).then(() => null))
  }

  final(index: number): Promise<FinalResult> {
    return this.#until(() => this.#finals.get(index))
  }

  async quiet(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), ms)
    })
    const quiet = this.#until(() => this.#hasEnded || this.#covered === this.#appended || undefined)
    const answer = await Promise.race([quiet, late])
    clearTimeout(timer)
    return answer
  }

  async close(): Promise<void> {
    const { id } = this
    this.#history.note({ kind: 'asked', session: id, what: 'close' })
    await this.#session.close().then(
      ({ unfinished }) =>
        this.#history.note({ kind: 'answered', session: id, what: 'close', unfinished }),
      (error: unknown) => this.#refused(error),
    )
  }

  leave(): void {
    this.#session.leave()
  }

  async #ask(
    what: string,
    question: () => Promise<number | null>,
  ): Promise<number | null | undefined> {
    const { id: session } = this
    this.#history.note({ kind: 'asked', session, what })
    try {
      const index = await question()
      this.#history.note({ kind: 'answered', session, what, index })
      return index
    } catch (error) {
      this.#refused(error)
      return undefined
    }
  }

  #refused(error: unknown): void {
    const code = error instanceof LinguaError ? error.code : String(error)
    this.#history.note({ kind: 'refused', session: this.id, code })
  }

  #ends(result: FinalResult): void {
    this.#open.delete(result.index)
    this.#finals.set(result.index, result)
    this.#covered += result.timings.audioMs * BYTES_PER_MS
    this.#look()
  }

  #look(): void {
    for (const look of this.#waiting) look()
  }

  #until<T>(find: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = find()
        if (found === undefined) return
        this.#waiting.delete(look)
        resolve(found)
      }
      this.#waiting.add(look)
      look()
    })
  }
}
