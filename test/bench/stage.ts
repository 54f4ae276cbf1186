import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { environmentWith } from '../../src/platform/config.ts'
import { startEmbeddedRedis } from '../../src/platform/embedded-redis.ts'
import { startPart, type Part } from '../../src/tools/processes.ts'
import { startLoadPart, type LoadPart } from './part.ts'

/** A process of the system under measurement. */
export interface SystemPart extends Part {
  readonly pid: number
  /** Where clients connect, of a scheduler. */
  readonly url: string
}

/** One private Redis with the settings of production, and the processes that a row puts on it. */
export interface Stage {
  readonly redis: Redis
  readonly redisUrl: string
  /** Aborts when the whole run is to end; for stages that a row opens besides this one. */
  readonly ending: AbortSignal
  scheduler(env?: Record<string, string>): Promise<SystemPart>
  /** A node with the scripted engine that also tells when its processor began. */
  node(id: string, env?: Record<string, string>): Promise<SystemPart>
  /** A node with the engines of this machine. */
  localNode(id: string): Promise<SystemPart>
  /** A process of the benchmark's own. */
  load(name: string): LoadPart
  close(): Promise<void>
}

const STOP_MS = 5000

/** Opens a stage in a new folder. `close` leaves nothing of it, and happens by itself when `ending` aborts. */
export async function openStage(ending: AbortSignal): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'))
  const undo: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
  const server = await startEmbeddedRedis({ folder })
  undo.push(() => server.stop(AbortSignal.timeout(STOP_MS)))
  const redis = new Redis(server.url)
  redis.on('error', () => {})
  undo.push(async () => redis.disconnect())
  const common = {
    REDIS_URL: server.url,
    LINGUA_KEY_PREFIX: '{bench}',
    PORT: '0',
    LOG_LEVEL: 'info',
  }
  let started = 0
  const start = async (entry: string, env: Record<string, string>): Promise<SystemPart> => {
    started += 1
    const part = await startPart({
      name: `${started}`,
      entry: new URL(entry, import.meta.url),
      env: { ...common, ...env },
      logs: join(folder, 'logs'),
    })
    undo.push(() => part.stop())
    return { ...part, pid: part.ready.pid, url: part.ready.url ?? '' }
  }
  let closing: Promise<void> | undefined
  const release = async (): Promise<void> => {
    ending.removeEventListener('abort', onEnding)
    for (const step of undo.toReversed()) await step()
  }
  const close = (): Promise<void> => (closing ??= release())
  const onEnding = (): void => void close().catch(() => {})
  ending.addEventListener('abort', onEnding)
  return {
    ending,
    redis,
    redisUrl: server.url,
    scheduler: (env = {}) => start('../../src/main.js', env),
    node: (id, env = {}) =>
      start('./parts/node.js', { LINGUA_NODE_ID: id, LINGUA_NODE_CAPACITY: '64', ...env }),
    localNode: (id) =>
      start('../../workers/main.js', { LINGUA_NODE_ID: id, LINGUA_NODE_CAPACITY: '1' }),
    load(name) {
      const part = startLoadPart(name, environmentWith({ REDIS_URL: server.url }))
      undo.push(() => part.stop())
      return part
    },
    close,
  }
}

const TICK_MS = 10

/** CPU time that a process and its threads have used, ms. */
export async function cpuMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name, in brackets, may hold anything; user and system time are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** The pid of the Redis of a stage. */
export async function redisPid({ redis }: Stage): Promise<number> {
  return Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1])
}
