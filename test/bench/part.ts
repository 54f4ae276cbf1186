import { fork } from 'node:child_process'

/** A process of the benchmark itself, from which it asks one thing after the other. */
export interface LoadPart {
  readonly pid: number
  /** Rejects with what the process answered instead, or when it ended. */
  ask<T = unknown>(what: string, args?: object): Promise<T>
  stop(): Promise<void>
}

interface Question {
  readonly id: number
  readonly what: string
  readonly args: unknown
}
interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** Starts a process of `parts/` that serves questions. It ends with this one, however that ends. */
export function startLoadPart(name: string, env: NodeJS.ProcessEnv): LoadPart {
  const child = fork(new URL(`./parts/${name}.js`, import.meta.url), [], {
    env,
    serialization: 'advanced',
  })
  const open = new Map<number, { resolve: (value: unknown) => void; reject: (e: Error) => void }>()
  let asked = 0
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()))
  void ended.then(() => {
    for (const { reject } of open.values()) reject(new Error(`${name} ended`))
  })
  child.on('message', ({ id, value, error }: Answer) => {
    const question = open.get(id)
    open.delete(id)
    if (error === undefined) question?.resolve(value)
    else question?.reject(new Error(`${name}: ${error}`))
  })
  return {
    pid: child.pid ?? 0,
    ask: <T>(what: string, args: object = {}) =>
      new Promise<T>((resolve, reject) => {
        asked += 1
        open.set(asked, { resolve: (value) => resolve(value as T), reject })
        child.send({ id: asked, what, args } satisfies Question, (error) => {
          if (error) reject(error)
        })
      }),
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** The other side: answers questions by name. The Ctrl-C of a terminal is its parent's business. */
export function serveQuestions(answers: Record<string, (args: never) => unknown>): void {
  process.on('SIGINT', () => {})
  process.once('disconnect', () => process.exit(0))
  process.on('message', ({ id, what, args }: Question) => {
    const reply = (answer: Omit<Answer, 'id'>): void => void process.send?.({ id, ...answer })
    Promise.resolve()
      .then(() => answers[what]?.(args as never))
      .then(
        (value) => reply({ value }),
        (error: unknown) =>
          reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      )
  })
}
