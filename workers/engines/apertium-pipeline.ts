import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { LinguaError } from '../../src/protocol/codes.ts'
import { END, frameRequest, parseAnswer } from './apertium-text.ts'
import { unlessAborted, within } from './bounded.ts'
import type { Child } from './child-pool.ts'
import { residentMB } from './resident.ts'

interface Pending {
  readonly id: number
  readonly resolve: (text: string) => void
  readonly reject: (reason: LinguaError) => void
}

const START_TIMEOUT_MS = 30_000
/** A sentence takes 2 ms. */
const ANSWER_TIMEOUT_MS = 10_000
const END_TIMEOUT_MS = 1000
/** Longest answer, in units of a string: much more than any sentence. */
const MOST_UNREAD = 1_000_000
/** How many answers there are between two looks at the memory. */
const LOOK_EVERY = 50
/** What is no UTF-8 is read as this, and no request contains it. */
const GARBAGE = '\uFFFD'

/** A running pipeline. It answers in the order of asking; any number may ask at once. */
export class ApertiumPipeline implements Child {
  readonly ready: Promise<void>
  readonly gone: Promise<void>
  readonly #shell: ChildProcessByStdio<Writable, Readable, null>
  readonly #mostMB: number
  #alive = true
  #requests = 0
  #pending: Pending[] = []
  #unread = ''
  #tooBig = false

  constructor(script: string, mostMB: number) {
    this.#mostMB = mostMB
    this.#shell = spawn('/bin/sh', ['-c', script], {
      stdio: ['pipe', 'pipe', 'ignore'],
      // A group, to be killed as one, and out of the terminal's reach: Ctrl-C is for the node.
      detached: true,
    })
    this.gone = new Promise((resolve) => {
      this.#shell.once('exit', () => resolve(this.#killGroup()))
      this.#shell.once('error', () => resolve())
    })
    const broken = (): void => this.#break(failure('a stage of the pipeline died'))
    this.#shell.stdin.on('error', broken)
    this.#shell.stdout.once('close', broken)
    this.#shell.stdout.setEncoding('utf8').on('data', (part: string) => this.#read(part))
    this.ready = this.#start()
  }

  get alive(): boolean {
    return this.#alive
  }

  /**
   * The translation of `text`. Rejects with `engine_error` if the pipeline breaks, and with
   * `signal.reason` once aborted, which leaves the other requests alone.
   */
  async ask(text: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted()
    return await unlessAborted(this.#request(text, ANSWER_TIMEOUT_MS), signal)
  }

  end(): void {
    this.#break(failure('the pipeline was ended'))
  }

  /** The first answer takes 100 ms: every stage loads what it needs. */
  async #start(): Promise<void> {
    await this.#request('Ready.', START_TIMEOUT_MS)
  }

  async #request(text: string, timeoutMs: number): Promise<string> {
    const id = ++this.#requests
    const answer = new Promise<string>((resolve, reject) => {
      this.#pending.push({ id, resolve, reject })
    })
    this.#shell.stdin.write(frameRequest(id, text))
    return await within(answer, timeoutMs, () => {
      const late = failure(`the pipeline did not answer within ${timeoutMs} ms`)
      this.#break(late)
      return late
    })
  }

  #read(part: string): void {
    const answers = (this.#unread + part).split(END)
    this.#unread = answers.pop() ?? ''
    for (const answer of answers) this.#settle(answer)
    if (this.#unread.length > MOST_UNREAD) this.#break(failure('the pipeline writes without end'))
  }

  #settle(answer: string): void {
    if (!this.#alive) return
    const parsed = parseAnswer(answer)
    const [first] = this.#pending
    if (!first || first.id !== parsed?.id) {
      this.#break(failure('the pipeline is out of step: it answered what was not asked'))
      return
    }
    if (parsed.text.includes(GARBAGE)) {
      this.#break(failure('the pipeline wrote something that is no UTF-8'))
      return
    }
    this.#pending.shift()
    first.resolve(parsed.text)
    this.#weigh(parsed.id)
  }

  /** A pipeline that has grown too big is ended once it has nothing to do. */
  #weigh(answered: number): void {
    const { pid } = this.#shell
    if (answered % LOOK_EVERY === 0) this.#tooBig ||= residentMB(pid ?? 0) > this.#mostMB
    if (this.#tooBig && this.#pending.length === 0) this.end()
  }

  /** Closes the input, upon which the stages end one after the other, unless one of them hangs. */
  #break(why: LinguaError): void {
    if (!this.#alive) return
    this.#alive = false
    for (const { reject } of this.#pending) reject(why)
    this.#pending = []
    this.#shell.stdin.end()
    const timer = setTimeout(() => this.#killGroup(), END_TIMEOUT_MS)
    void this.gone.then(() => clearTimeout(timer))
  }

  #killGroup(): void {
    this.#break(failure('the pipeline was ended'))
    try {
      if (this.#shell.pid !== undefined) process.kill(-this.#shell.pid, 'SIGKILL')
    } catch {
      // Nobody of the group is left.
    }
  }
}

const failure = (why: string): LinguaError => new LinguaError('engine_error', why)
