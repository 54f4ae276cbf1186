import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { LinguaError } from '../protocol/codes.ts'
import { OLDEST_REDIS, isSupportedVersion } from './redis-check.ts'

const PROGRAMS = ['redis-server', 'valkey-server'] as const
const REMEDY = 'apt-get install redis-server, or set REDIS_URL to a Redis that runs elsewhere'
const LOCKED = 75
const KEPT_LINES = 12

/** A server in a folder that it alone may use, for as long as it lives. */
export interface RedisServer {
  readonly pid: number
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>
  /** Ends the process: by default in order, with everything written to disk. */
  kill(signal?: 'SIGTERM' | 'SIGKILL'): void
}

export interface RedisServerOptions {
  readonly program: string
  /** An existing folder: the server's working directory. */
  readonly dir: string
  /** Lines of redis.conf, handed over by pipe: no password shows in the process list. */
  readonly settings: readonly string[]
  readonly onLine?: (line: string) => void
}

/** Answers the name of the server installed here; throws `dependency_down` if none is new enough. */
export async function findRedisServer(): Promise<string> {
  const tooOld: string[] = []
  for (const program of PROGRAMS) {
    const version = await readVersion(program)
    if (version !== undefined && isSupportedVersion(version)) return program
    if (version !== undefined) tooOld.push(`${program} ${version}`)
  }
  const what =
    tooOld.length === 0
      ? `neither ${PROGRAMS.join(' nor ')} is installed`
      : `${tooOld.join(' and ')} is older than ${OLDEST_REDIS}`
  throw new LinguaError('dependency_down', `no Redis can be started here, ${what}: ${REMEDY}`)
}

async function readVersion(program: string): Promise<string | undefined> {
  const answer = await promisify(execFile)(program, ['--version']).catch(() => undefined)
  return answer && (/\bv=(\S+)/.exec(answer.stdout)?.[1] ?? 'unknown')
}

/**
 * Starts a server and resolves when it serves, or with `undefined` if another server has `dir`.
 * Throws `dependency_down` with the last lines it printed if it ends before that.
 */
export async function startRedisServer(
  options: RedisServerOptions,
): Promise<RedisServer | undefined> {
  const child = spawnBound(options)
  const lines = readLines(child, options.onLine)
  child.stdin?.on('error', () => {}).end(`${options.settings.join('\n')}\n`)
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()))
  const outcome = await Promise.race([lines.serving, failure(child, options.program)])
  if (outcome === 'locked') return undefined
  if (outcome !== 'serving') {
    const said = lines.last.map((line) => `  ${line}`).join('\n')
    throw new LinguaError('dependency_down', `${outcome}; the last it said was\n${said}`)
  }
  return { pid: child.pid ?? 0, ended, kill: (signal = 'SIGTERM') => void child.kill(signal) }
}

/**
 * One process that becomes the server in three steps, none of which leaves anything to clean up:
 * `flock` takes the folder and hands the lock on to the server, so that it is free exactly when the
 * server is gone; `setpriv` has the kernel send SIGTERM to the server when its owner, the thread
 * that called, dies in whatever way; the shell gives up if that happened before it was arranged.
 * A session of its own keeps the Ctrl-C of a terminal from the server, which must outlive the
 * owner's clean shutdown.
 */
function spawnBound({ program, dir }: RedisServerOptions): ChildProcess {
  const lock = ['-n', '-E', String(LOCKED), '-F', 'lock']
  const die = ['setpriv', '--pdeathsig', 'TERM']
  const unlessOrphan = ['sh', '-c', '[ "$PPID" = "$0" ] && exec "$@"', String(process.pid)]
  return spawn('flock', [...lock, ...die, ...unlessOrphan, program, '-'], {
    cwd: dir,
    detached: true,
    stdio: 'pipe',
  })
}

function readLines(child: ChildProcess, onLine: (line: string) => void = () => {}) {
  const last: string[] = []
  const serving = new Promise<'serving'>((resolve) => {
    for (const input of [child.stdout, child.stderr]) {
      if (!input) continue
      createInterface({ input }).on('line', (line) => {
        if (last.push(line) > KEPT_LINES) last.shift()
        if (/ready to accept connections/i.test(line)) resolve('serving')
        onLine(line)
      })
    }
  })
  return { last, serving }
}

async function failure(child: ChildProcess, program: string): Promise<string> {
  try {
    const [code, signal] = await once(child, 'close')
    return code === LOCKED ? 'locked' : `${program} did not start (${code ?? signal})`
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown'
    return `${program} could not be run, which needs flock and setpriv of util-linux (${why})`
  }
}
