import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { LinguaError } from '../../src/protocol/codes.ts'
import { END, frameRequest, parseAnswer } from './apertium-text.ts'
import { bounded } from './bounded.ts'
import type { Child } from './child-pool.ts'

interface Pending {
  readonly id: number
  readonly resolve: (text: string) => void
  readonly reject: (reason: unknown) => void
}

const START_TIMEOUT_MS = 15_000
/** For the request whose turn it is; a sentence takes 2 ms. */
const ANSWER_TIMEOUT_MS = 5000
const END_TIMEOUT_MS = 1000

/**
 * The shell script that runs the stages of a mode file (its one line) as one pipeline that answers
 * each request as it comes. The shell itself holds neither end, so that the death of one stage is
 * seen at both.
 */
export function pipelineScript(mode: string): string {
  // `$1` is how words are generated: `-n` leaves out the marks at unknown ones. `$2` only adds detail.
  const stages = mode.trim().replaceAll('$1', '-n').replaceAll('$2', '').split('|')
  const flushed = stages.map((stage) => stage.trim().replace(/^\S+/, '$& -z'))
  const last = flushed.length - 1
  const joined = flushed.map(
    (stage, n) => `${stage} ${n === 0 ? '<&3' : ''} ${n === last ? '>&4' : ''} 3<&- 4>&-`,
  )
  return `export LC_ALL=C.UTF-8
exec 3<&0 4>&1 </dev/null >/dev/null
${joined.join(' | ')} &
exec 3<&- 4>&-
wait`
}

/** A running pipeline. Requests are answered in the order of asking, any number may be on their way. */
export class Pipeline implements Child {
  readonly ready: Promise<void>
  readonly gone: Promise<void>
  readonly #shell: ChildProcessByStdio<Writable, Readable, null>
  readonly #pending: Pending[] = []
  #alive = true
  #requests = 0
  #unread = ''
  #timer: NodeJS.Timeout | undefined

  constructor(script: string) {
    this.#shell = spawn('/bin/sh', ['-c', script], {
      stdio: ['pipe', 'pipe', 'ignore'],
      // A group of its own, to be killed as one and out of reach of Ctrl-C in the node's terminal.
      detached: true,
    })
    this.gone = new Promise((resolve) => {
      this.#shell.once('exit', () => resolve(this.#killGroup()))
      this.#shell.once('error', () => resolve())
    })
    this.#shell.stdin.on('error', () => this.#fail('a stage of the pipeline died'))
    this.#shell.stdout.setEncoding('utf8').on('data', (part: string) => this.#read(part))
    this.#shell.stdout.once('close', () => this.#fail('a stage of the pipeline died'))
    this.ready = this.#start()
  }

  get alive(): boolean {
    return this.#alive
  }

  /**
   * The translation of `text`. Rejects with `engine_error` if the pipeline breaks, and with
   * `signal.reason` once aborted, which leaves other requests alone.
   */
  async ask(text: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted()
    ...
  }
}
