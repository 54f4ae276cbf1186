import { fork, type ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { environmentWith } from '../platform/config.ts'
import { LinguaError } from '../protocol/codes.ts'

const Ready = z.object({
  msg: z.literal('ready'),
  pid: z.number(),
  url: z.string().optional(),
  node: z.string().optional(),
  pairs: z.array(z.string()).optional(),
})
export type Ready = z.infer<typeof Ready>

export interface Part {
  readonly name: string
  /** What its ready line shows. */
  readonly ready: Ready
  /** The file its log goes to. */
  readonly log: string
  /** Resolves when the process has ended, however. */
  readonly ended: Promise<void>
  stop(): Promise<void>
  kill(signal: NodeJS.Signals): void
}

export interface PartOptions {
  readonly name: string
  /** The compiled program. */
  readonly entry: URL
  readonly env: Readonly<Record<string, string>>
  /** Its log is written here as `<name>.log`. */
  readonly logs: string
}

const READY_MS = 60_000
const STOP_MS = 2500

/**
 * Starts one process of the system and waits for its ready line. The IPC channel ties it to this process:
 * it ends when this one does, even if this one is killed. Throws `internal` with its last lines if it
 * ends or is not ready within a minute.
 */
export async function startPart({ name, entry, env, logs }: PartOptions): Promise<Part> {
  await mkdir(logs, { recursive: true })
  const file = join(logs, `${name}.log`)
  const child = fork(entry, [], { env: environmentWith(env), silent: true })
  const log = createWriteStream(file)
  child.stderr?.pipe(log, { end: false })
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()))
  const tail: string[] = []
  const ready = await new Promise<Ready>((resolve, reject) => {
    const fail = (why: string): void =>
      reject(
        new LinguaError('internal', `${name} ${why}; its log is ${file}\n  ${tail.join('\n  ')}`),
      )
    const timer = setTimeout(() => fail(`was not ready within ${READY_MS / 1000} s`), READY_MS)
    const watch = (line: string): void => {
      tail.push(line)
      tail.splice(0, tail.length - 5)
      const shown = readyLine(line)
      if (shown) resolve(shown)
    }
    if (child.stderr) createInterface(child.stderr).on('line', watch)
    if (child.stdout)
      createInterface(child.stdout).on('line', (line) => {
        log.write(`${line}\n`)
        watch(line)
      })
    child.once('error', (error) => fail(error.message))
    child.once('close', () => fail('ended before it was ready'))
    child.once('close', () => clearTimeout(timer))
  }).catch((error: unknown) => {
    child.kill('SIGKILL')
    throw error
  })
  return {
    name,
    ready,
    log: file,
    ended,
    stop: () => stop(child, ended),
    kill: (signal) => void child.kill(signal),
  }
}

function readyLine(line: string): Ready | undefined {
  return line.includes('"msg":"ready"') ? Ready.parse(JSON.parse(line)) : undefined
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(timer)
}
