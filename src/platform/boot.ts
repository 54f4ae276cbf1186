import { setTimeout as pause } from 'node:timers/promises'
import { readConfig, type Config } from './config.ts'
import { findEmbeddedRedis, startEmbeddedRedis } from './embedded-redis.ts'
import type { Service } from './lifecycle.ts'
import { startAll } from './lifecycle.ts'
import { createLog, type Log } from './log.ts'
import { checkRedis } from './redis-check.ts'
import { openStore, type Store } from './redis.ts'
import { LinguaError } from '../protocol/codes.ts'

export interface Program {
  readonly name: string
  /** Shown by `--help`. */
  readonly help: string
  /** Whether this process may start the embedded Redis of its folder, or only use it. */
  readonly redis: 'start' | 'find'
  /** Starts everything above Redis and answers what the ready line shows. */
  run(context: {
    readonly config: Config
    readonly store: Store
    readonly log: Log
  }): Promise<Started>
}

interface Started {
  readonly shown: object
  /** Resolves when its work is over by itself: the process then stops as if it had been told to. */
  readonly ended?: Promise<void>
  stop(timeoutMs: number): Promise<void>
}

/** How long a process may take to stop before it lets go of what is left. */
const STOP_MS = 10_000
/** The same where whoever started it is dead: nobody waits, and the Redis it used may be gone as well. */
const ORPHAN_STOP_MS = 2500
/** After that, and this, a process that cannot let go ends anyway. */
const GRACE_MS = 1000
/** How long a process waits for a scheduler that is being started at the same time, and how often it looks. */
const FIND_MS = 3000
const FIND_AGAIN_MS = 50
/** Under npm one Ctrl-C arrives twice, from the terminal and from npm. */
const ECHO_MS = 500
const EXIT_OF_SIGNAL = { SIGINT: 130, SIGTERM: 0 } as const

/** The life of one process: arguments, configuration, Redis, `run`, the ready line, signals, a clean end. */
export async function boot(
  program: Program,
  args: readonly string[] = process.argv.slice(2),
): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${program.help.trim()}\n`)
    return
  }
  try {
    if (args.length > 0) throw new LinguaError('bad_request', `no such option: ${args.join(' ')}`)
    await live(program, readConfig())
  } catch (error) {
    process.stderr.write(`${program.name}: ${causes(error).join('\n  because ')}\n`)
    process.exit(1)
  }
}

async function live(program: Program, config: Config): Promise<void> {
  const log = createLog(config.logLevel, program.name)
  const asked = whenAsked(log)
  let withinMs = STOP_MS
  const context: { store?: Store; ran?: Started } = {}
  const running = await startAll([
    redisService(program, config, log, (store) => (context.store = store)),
    {
      name: program.name,
      async start() {
        if (context.store) context.ran = await program.run({ config, store: context.store, log })
      },
      stop: async () => context.ran?.stop(withinMs),
    },
  ])
  log.info({ ...context.ran?.shown }, 'ready')
  const over = context.ran?.ended?.then((): Leave => ({ exitCode: 0, withinMs: STOP_MS }))
  const leave = await (over ? Promise.race([asked, over]) : asked)
  withinMs = leave.withinMs
  setTimeout(() => process.exit(leave.exitCode), withinMs + GRACE_MS)
  await running.stop(withinMs)
  log.info('stopped')
  process.exit(leave.exitCode)
}

/** The connections, and below them the embedded Redis where no REDIS_URL is set. */
function redisService(
  program: Program,
  config: Config,
  log: Log,
  opened: (store: Store) => void,
): Service {
  const undo: (() => Promise<void>)[] = []
  return {
    name: 'redis',
    async start() {
      const url = config.redisUrl ?? (await embedded(program, log, undo))
      const store = await openStore({
        url,
        audioUrl: config.audioRedisUrl,
        prefix: config.keyPrefix,
        name: program.name,
        log,
      })
      undo.push(() => store.close())
      await checkRedis(store.control, 'REDIS_URL')
      if (config.audioRedisUrl !== undefined) await checkRedis(store.audio, 'AUDIO_REDIS_URL')
      opened(store)
    },
    async stop() {
      for (const step of undo.toReversed()) await step()
    },
  }
}

async function embedded(
  program: Program,
  log: Log,
  undo: (() => Promise<void>)[],
): Promise<string> {
  const folder = process.cwd()
  if (program.redis === 'start') {
    const redis = await startEmbeddedRedis({ folder, log })
    undo.push(() => redis.stop(AbortSignal.timeout(STOP_MS)))
    return redis.url
  }
  const patience = AbortSignal.timeout(FIND_MS)
  while (!patience.aborted) {
    const url = await findEmbeddedRedis(folder)
    if (url !== undefined) return url
    await pause(FIND_AGAIN_MS)
  }
  throw new LinguaError(
    'dependency_down',
    'no scheduler runs in this folder: run `npm start` first, or set REDIS_URL',
  )
}

interface Leave {
  readonly exitCode: number
  readonly withinMs: number
}

/**
 * Resolves with the first reason to stop in order: a signal, or, where the process was started with an IPC
 * channel, that its parent is gone, even if that was killed. A second signal ends the process at once.
 */
function whenAsked(log: Log): Promise<Leave> {
  return new Promise((resolve) => {
    let askedAt: number | undefined
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => {
        if (askedAt === undefined) {
          askedAt = performance.now()
          log.info({ signal }, 'stopping')
          resolve({ exitCode: EXIT_OF_SIGNAL[signal], withinMs: STOP_MS })
        } else if (performance.now() - askedAt > ECHO_MS) {
          process.exit(signal === 'SIGINT' ? 130 : 143)
        }
      })
    const orphaned = (): void => resolve({ exitCode: 0, withinMs: ORPHAN_STOP_MS })
    process.once('disconnect', orphaned)
    // The parent died while this process was still being loaded, and the event has passed.
    if ('connected' in process && !process.connected) orphaned()
  })
}

function causes(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)]
  return [error.message, ...(error.cause === undefined ? [] : causes(error.cause))]
}
