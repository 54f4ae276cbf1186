import { fork, type ChildProcess } from 'node:child_process'
import { z } from 'zod'
import { LinguaError } from '../../src/protocol/codes.ts'
import { BYTES_PER_SAMPLE } from '../../src/protocol/events.ts'
import { unlessAborted, within } from './bounded.ts'
import type { Child } from './child-pool.ts'
import { residentMB } from './resident.ts'

/** 16-bit little-endian mono samples. */
export interface Audio {
  readonly pcm: Uint8Array
  readonly sampleRate: number
}

/** What a decoder's process is asked, one at a time. */
export interface Question extends Audio {
  readonly id: number
}

const Statement = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('unable'), message: z.string() }),
  z.object({ kind: z.literal('text'), id: z.number(), text: z.string() }),
])

/** What it says: first whether it can work at all, then the words of each question. */
export type Statement = z.infer<typeof Statement>

interface Listener {
  readonly hear: (statement: unknown) => void
  readonly lose: (why: Error) => void
}

// Far beyond what a healthy one takes even on a busy machine: work that is alive is left alone.
const START_TIMEOUT_MS = 30_000
const ANSWER_TIMEOUT_MS = 15_000
const ANSWER_TIMEOUT_PER_AUDIO = 3

/** How long a decode may take, in ms; by itself on a core it takes a third of the audio at worst. */
function decodeTimeoutMs({ pcm, sampleRate }: Audio): number {
  const audioMs = (pcm.byteLength / BYTES_PER_SAMPLE / sampleRate) * 1000
  return ANSWER_TIMEOUT_MS + ANSWER_TIMEOUT_PER_AUDIO * audioMs
}

/** A process holding one decoder, for one utterance at a time. To stop it is to kill it. */
export class Decoder implements Child {
  readonly ready: Promise<void>
  readonly gone: Promise<void>
  readonly #process: ChildProcess
  readonly #mostMB: number
  #alive = true
  #questions = 0
  #listener: Listener | undefined

  constructor(entry: URL, mostMB: number) {
    this.#mostMB = mostMB
    this.#process = fork(entry, {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // Out of the terminal's reach: Ctrl-C is for the node, which finishes its work first.
      detached: true,
    })
    this.#process.on('message', (statement) => this.#listener?.hear(statement))
    this.gone = new Promise((resolve) => {
      this.#process.once('exit', () => resolve(this.#lose()))
      // Without a pid it never was, and there will be no exit.
      this.#process.on('error', () => {
        if (this.#process.pid === undefined) resolve(this.#lose())
      })
    })
    this.ready = this.#start()
  }

  get alive(): boolean {
    return this.#alive
  }

  /**
   * The words of one utterance, '' if none. Rejects with `signal.reason` once aborted, and with
   * `engine_error` if the process dies, is silent for too long or says something else: its end.
   */
  async decode(audio: Audio, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted()
    const id = ++this.#questions
    const timeoutMs = decodeTimeoutMs(audio)
    const late = (): Error => failure(`the decoder did not answer within ${timeoutMs} ms`)
    try {
      const answer = within(this.#ask({ id, ...audio }), timeoutMs, late)
      const statement = await unlessAborted(answer, signal)
      if (statement.kind === 'text' && statement.id === id) return this.#parting(statement.text)
      throw failure(`the decoder said "${statement.kind}" instead of the words it was asked for`)
    } catch (error) {
      this.end()
      throw error
    }
  }

  /** A process that has grown too big gives its answer, and no other. */
  #parting(text: string): string {
    if (residentMB(this.#process.pid ?? 0) > this.#mostMB) this.end()
    return text
  }

  end(): void {
    this.#alive = false
    this.#process.kill('SIGKILL')
  }

  async #start(): Promise<void> {
    const late = (): Error => failure(`the decoder was not ready within ${START_TIMEOUT_MS} ms`)
    const statement = await within(this.#listen(), START_TIMEOUT_MS, late)
    if (statement.kind === 'ready') return
    throw failure(statement.kind === 'unable' ? statement.message : 'the decoder spoke too early')
  }

  #ask(question: Question): Promise<Statement> {
    const answer = this.#listen()
    // A process that cannot be told is dead or dying, and heard of as such.
    this.#process.send(question, () => {})
    return answer
  }

  async #listen(): Promise<Statement> {
    const heard = await new Promise<unknown>((hear, lose) => {
      this.#listener = { hear, lose }
    })
    const statement = Statement.safeParse(heard)
    if (statement.success) return statement.data
    throw failure('the decoder said something that has no meaning')
  }

  #lose(): void {
    this.#alive = false
    this.#listener?.lose(failure('the decoder died'))
  }
}

const failure = (why: string): LinguaError => new LinguaError('engine_error', why)
