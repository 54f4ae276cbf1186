import { mkdir, readdir, stat, truncate } from 'node:fs/promises'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import {
  findRedisServer,
  startRedisServer,
  type RedisServer,
} from '../../src/platform/redis-server.ts'

const SETTINGS = [
  'port 0',
  'unixsocket redis.sock',
  'appendonly yes',
  'appendfsync everysec',
  'auto-aof-rewrite-percentage 0',
  'save ""',
  'maxmemory-policy noeviction',
  'hz 100',
]
const AOF = join('appendonlydir', 'appendonly.aof.1.incr.aof')
const SAMPLE_MS = 20

/** A Redis of the suite's own, with an append-only file, that can be hurt in every way. */
export interface OwnRedis {
  readonly url: string
  /** Stops the process; what is sent to it waits. */
  freeze(): void
  thaw(): void
  /** Ends it at once (SIGKILL) or in order (SIGTERM). */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  start(): Promise<void>
  /** While it is down: forgets what was written in the last `ms` before its end. */
  forget(ms: number): Promise<void>
}

export async function startOwnRedis(dir: string): Promise<OwnRedis> {
  await mkdir(dir, { recursive: true })
  const program = await findRedisServer()
  const file = join(dir, AOF)
  let server: RedisServer | undefined
  let sampler: NodeJS.Timeout | undefined
  let sizes: { at: number; bytes: number }[] = []
  let endedAt = 0

  const sample = (): void => {
    try {
      sizes.push({ at: Date.now(), bytes: statSync(file).size })
      sizes = sizes.slice(-200)
    } catch {
      // Not written yet.
    }
  }
  const start = async (): Promise<void> => {
    server = await startRedisServer({ program, dir, settings: SETTINGS })
    if (!server) throw new Error(`another Redis holds ${dir}`)
    sampler = setInterval(sample, SAMPLE_MS)
  }
  const signal = (name: NodeJS.Signals): void => {
    if (server) process.kill(server.pid, name)
  }
  await start()
  return {
    url: join(dir, 'redis.sock'),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    start,
    async end(how) {
      clearInterval(sampler)
      endedAt = Date.now()
      const ending = server
      server = undefined
      ending?.kill(how)
      await ending?.ended
    },
    async forget(ms) {
      const files = await readdir(join(dir, 'appendonlydir'))
      if (!files.some((name) => file.endsWith(name))) throw new Error(`no ${AOF} in ${dir}`)
      const kept = sizes.findLast(({ at }) => at <= endedAt - ms)
      await truncate(file, kept?.bytes ?? (await stat(file)).size)
    },
  }
}
