import { fork, type ChildProcess } from 'node:child_process'
import type { Clock } from '../platform/clock.ts'
import { LinguaError, type ErrorCode } from '../protocol/codes.ts'
import type { Frame } from './endpointing.ts'
import { Statement, type Errand } from './vad-silero-wire.ts'

export interface SileroListener {
  readonly judged: (frames: readonly Frame[]) => void
  /** The stream has ended: what was not judged will not be. */
  readonly lost: (why: LinguaError) => void
}

/** One stream that the process listens to. */
export interface SileroStream {
  hear(pcm: Uint8Array): void
  /** Resolves when all that was given before has been judged, or the stream is lost. */
  settled(): Promise<void>
  close(): void
}

export interface SileroProcessDeps {
  readonly program: URL
  readonly clock: Clock
  /** Told once, when it has broken or could not start. */
  readonly broken: (why: LinguaError) => void
}

interface Piece {
  readonly stream: number
  readonly pcm: Uint8Array
  readonly at: number
}

interface Listening {
  readonly listener: SileroListener
  readonly begun: (why?: LinguaError) => void
  /** Pieces that were given, and that have their answer. */
  given: number
  judged: number
  waiting: { readonly given: number; readonly settle: () => void }[]
}

/** An errand takes at most 300 ms, at its largest: silence for this long is the end, ms. */
const HANG_MS = 2000
const START_MS = 5000
/** Audio that has waited for this long comes too late: the process has more work than it can do, ms. */
const LATE_MS = 2000
const LARGEST_ERRAND_BYTES = 1024 * 1024

/**
 * One life of the process that holds the Silero detectors:
 *
 *   starting -> ready <-> at an errand -> broken (dead, hung, or talking nonsense)
 *
 * One errand at a time, with all that came meanwhile: few and large ones under load, small ones without.
 */
export class SileroProcess {
  /** Resolves when the process has ended. */
  readonly gone: Promise<void>
  readonly #deps: SileroProcessDeps
  readonly #process: ChildProcess
  readonly #streams = new Map<number, Listening>()
  readonly #toOpen: { readonly stream: number; readonly sampleRate: number }[] = []
  #toClose: number[] = []
  #audio: Piece[] = []
  #opened = 0
  #errand: Errand | undefined
  #ready = false
  #alive = true
  #timer: NodeJS.Timeout

  constructor(deps: SileroProcessDeps) {
    this.#deps = deps
    this.#process = fork(deps.program, {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // Out of the terminal's reach: it ends when its parent does.
      detached: true,
    })
    this.#timer = this.#timeout(START_MS)
    this.#process.on('message', (statement) => this.#hearStatement(statement))
    this.gone = new Promise((resolve) => {
      this.#process.once('exit', () => {
        this.#break(broken('the process of the Silero detector died'))
        resolve()
      })
      // Without a pid it never was, and there will be no exit.
      this.#process.on('error', (cause) => {
        this.#break(broken(`the process of the Silero detector: ${cause.message}`))
        if (this.#process.pid === undefined) resolve()
      })
    })
  }

  get alive(): boolean {
    return this.#alive
  }

  /** How many streams it listens to. */
  get streams(): number {
    return this.#streams.size
  }

  /** Rejects with the reason if the process breaks before the stream has begun. */
  async open(sampleRate: number, listener: SileroListener): Promise<SileroStream> {
    const stream = ++this.#opened
    const beginning = new Promise<void>((resolve, reject) => {
      const begun = (why?: LinguaError): void => (why ? reject(why) : resolve())
      this.#streams.set(stream, { listener, begun, given: 0, judged: 0, waiting: [] })
    })
    this.#toOpen.push({ stream, sampleRate })
    this.#send()
    await beginning
    return {
      hear: (pcm) => this.#hear(stream, pcm),
      settled: () => this.#settled(stream),
      close: () => this.#close(stream),
    }
  }

  end(): void {
    this.#break(broken('the process of the Silero detector was ended'))
  }

  #hear(stream: number, pcm: Uint8Array): void {
    const listening = this.#streams.get(stream)
    if (!listening) return
    listening.given += 1
    this.#audio.push({ stream, pcm, at: this.#deps.clock.now() })
    this.#send()
  }

  async #settled(stream: number): Promise<void> {
    const listening = this.#streams.get(stream)
    if (!listening || listening.judged === listening.given) return
    const { given, waiting } = listening
    await new Promise<void>((settle) => waiting.push({ given, settle }))
  }

  #close(stream: number): void {
    this.#forget(stream)
    this.#toClose.push(stream)
    this.#send()
  }

  #send(): void {
    const idle = this.#toOpen.length + this.#toClose.length + this.#audio.length === 0
    if (!this.#ready || this.#errand || idle) return
    const audio = this.#takeAudio()
    this.#errand = { open: this.#toOpen.shift(), close: this.#toClose, audio }
    this.#toClose = []
    this.#timer = this.#timeout(HANG_MS)
    // A process that cannot be told is dead or dying, and heard of as such.
    this.#process.send(this.#errand, () => {})
  }

  #takeAudio(): readonly Piece[] {
    let bytes = 0
    const end = this.#audio.findIndex(({ pcm }) => (bytes += pcm.byteLength) > LARGEST_ERRAND_BYTES)
    return this.#audio.splice(0, end === -1 ? this.#audio.length : Math.max(1, end))
  }

  #hearStatement(heard: unknown): void {
    if (!this.#alive) return
    clearTimeout(this.#timer)
    const statement = Statement.safeParse(heard).data
    if (statement?.kind === 'ready') this.#ready = true
    else if (statement?.kind === 'done' && this.#errand)
      this.#finish(this.#errand, statement.judged)
    else if (statement?.kind === 'unable') this.#break(broken(statement.message, 'engine_missing'))
    else this.#break(broken('the process of the Silero detector said something without meaning'))
    this.#send()
  }

  #finish(
    { open, audio }: Errand,
    judged: readonly { readonly stream: number; readonly frames: readonly Frame[] }[],
  ): void {
    this.#errand = undefined
    if (open) this.#streams.get(open.stream)?.begun()
    for (const { stream, frames } of judged) this.#streams.get(stream)?.listener.judged(frames)
    for (const { stream } of audio) {
      const listening = this.#streams.get(stream)
      if (!listening) continue
      listening.judged += 1
      while ((listening.waiting[0]?.given ?? Infinity) <= listening.judged)
        listening.waiting.shift()?.settle()
    }
    this.#loseLate()
  }

  /** More work than can be done in time: those who wait for too long are better off elsewhere. */
  #loseLate(): void {
    const late = this.#audio.filter(({ at }) => this.#deps.clock.now() - at > LATE_MS)
    for (const { stream } of late) {
      const listening = this.#forget(stream)
      if (listening) this.#toClose.push(stream)
      listening?.listener.lost(new LinguaError('engine_busy', 'the Silero detector is too slow'))
    }
  }

  #forget(stream: number): Listening | undefined {
    const listening = this.#streams.get(stream)
    this.#streams.delete(stream)
    this.#audio = this.#audio.filter((piece) => piece.stream !== stream)
    for (const { settle } of listening?.waiting ?? []) settle()
    return listening
  }

  #break(why: LinguaError): void {
    if (!this.#alive) return
    this.#alive = false
    clearTimeout(this.#timer)
    this.#process.kill('SIGKILL')
    for (const stream of [...this.#streams.keys()]) {
      const listening = this.#forget(stream)
      listening?.begun(why)
      listening?.listener.lost(why)
    }
    this.#deps.broken(why)
  }

  #timeout(ms: number): NodeJS.Timeout {
    const late = `the process of the Silero detector did not answer within ${ms} ms`
    return setTimeout(() => this.#break(broken(late)), ms)
  }
}

const broken = (why: string, code: ErrorCode = 'engine_error'): LinguaError =>
  new LinguaError(code, why)
