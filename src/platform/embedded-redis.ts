import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { LinguaError } from '../protocol/codes.ts'
import type { Log } from './log.ts'
import { findRedisServer, startRedisServer, type RedisServer } from './redis-server.ts'

const SOCKET = 'redis.sock'
const LONGEST_SOCKET_PATH = 100
const PATIENCE_MS = 30_000
const ANSWER_MS = 1000

const DURABLE = [
  'appendonly yes',
  'appendfsync everysec',
  'save ""',
  'maxmemory-policy noeviction',
  'hz 100',
]

const Endpoint = z.object({ url: z.string(), pid: z.number() })

/** The Redis of a folder, either started by this process or found running. */
export interface EmbeddedRedis {
  /** For `new Redis(url)`. */
  readonly url: string
  /** True if this process started it: it ends with this process, even if that is killed. */
  readonly owned: boolean
  /** Ends an owned Redis with all it holds on disk, at the deadline by force; leaves others alone. */
  stop(deadline: AbortSignal): Promise<void>
}

export interface EmbeddedRedisOptions {
  /** The state lives below it, in `.lingua/redis`, and survives. */
  readonly folder: string
  readonly log?: Pick<Log, 'debug' | 'info' | 'error'>
}

/**
 * Answers the Redis of this folder, starting it if nobody has. Of several processes that start at
 * once one owns it. Throws `dependency_down` if there is no Redis >= 7.0 to start, if it does not
 * start (with its last lines), or if for 30 s another owner neither serves nor ends.
 */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const program = await findRedisServer()
  const dir = redisDir(options.folder)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const patience = AbortSignal.timeout(PATIENCE_MS)
  while (!patience.aborted) {
    const url = await findEmbeddedRedis(options.folder)
    if (url !== undefined) return { url, owned: false, stop: async () => {} }
    const owned = await claim(program, dir, options.log)
    if (owned) return owned
    await pause(50)
  }
  throw new LinguaError(
    'dependency_down',
    `another process holds ${join(dir, 'lock')} but its Redis does not answer: end that process`,
  )
}

/** Answers the url of the Redis that serves this folder now, `undefined` if none does. */
export async function findEmbeddedRedis(folder: string): Promise<string | undefined> {
  const dir = redisDir(folder)
  const endpoint = await readEndpoint(dir)
  return endpoint && (await serves(endpoint.url, dir)) ? endpoint.url : undefined
}

const redisDir = (folder: string): string => resolve(folder, '.lingua', 'redis')

async function readEndpoint(dir: string): Promise<z.infer<typeof Endpoint> | undefined> {
  try {
    return Endpoint.parse(JSON.parse(await readFile(join(dir, 'endpoint.json'), 'utf8')))
  } catch {
    return undefined
  }
}

/** A left-over port may be another's by now, and a copied folder names the original's socket. */
async function serves(url: string, dir: string): Promise<boolean> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: ANSWER_MS,
    commandTimeout: ANSWER_MS,
  })
  redis.on('error', () => {})
  try {
    const answer: unknown = await redis.config('GET', 'dir')
    return Array.isArray(answer) && answer[1] === (await realpath(dir))
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}

async function claim(
  program: string,
  dir: string,
  log: EmbeddedRedisOptions['log'],
): Promise<EmbeddedRedis | undefined> {
  const { url, settings } = await chooseEndpoint(dir)
  const server = await startRedisServer({
    program,
    dir,
    settings: [...settings, ...DURABLE],
    onLine: (line) => log?.debug({ line }, 'embedded redis said'),
  })
  if (!server) return undefined
  await writeEndpoint(dir, { url, pid: server.pid }).catch((error: unknown) => {
    server.kill()
    throw error
  })
  log?.info({ dir, redisPid: server.pid }, 'embedded redis started')
  return own({ url, dir, server, log })
}

async function chooseEndpoint(dir: string): Promise<{ url: string; settings: string[] }> {
  const path = join(dir, SOCKET)
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH && !path.includes('?'))
    return { url: path, settings: ['port 0', `unixsocket ${SOCKET}`, 'unixsocketperm 700'] }
  const port = await freePort()
  const password = randomBytes(24).toString('hex')
  return {
    url: `redis://:${password}@127.0.0.1:${port}`,
    settings: ['bind 127.0.0.1', `port ${port}`, `requirepass ${password}`],
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((closed) => server.close(closed))
  if (address === null || typeof address === 'string') throw new LinguaError('internal')
  return address.port
}

async function writeEndpoint(dir: string, endpoint: z.infer<typeof Endpoint>): Promise<void> {
  const written = join(dir, `endpoint.json.${endpoint.pid}`)
  await writeFile(written, `${JSON.stringify(endpoint)}\n`, { mode: 0o600 })
  await rename(written, join(dir, 'endpoint.json'))
}

interface Owned {
  readonly url: string
  readonly dir: string
  readonly server: RedisServer
  readonly log: EmbeddedRedisOptions['log']
}

function own({ url, dir, server, log }: Owned): EmbeddedRedis {
  let stopping: Promise<void> | undefined
  void server.ended.then(() =>
    stopping
      ? log?.info({ dir }, 'embedded redis stopped')
      : log?.error({ dir }, 'embedded redis ended by itself'),
  )
  const end = async (deadline: AbortSignal): Promise<void> => {
    // Before the lock is free: afterwards the file may be the next owner's.
    await rm(join(dir, 'endpoint.json'), { force: true }).catch(() => {})
    server.kill()
    const force = (): void => server.kill('SIGKILL')
    if (deadline.aborted) force()
    deadline.addEventListener('abort', force, { once: true })
    await server.ended
    deadline.removeEventListener('abort', force)
  }
  return { url, owned: true, stop: (deadline) => (stopping ??= end(deadline)) }
}
