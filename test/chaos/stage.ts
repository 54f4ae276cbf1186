import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Chance } from './chance.ts'
import type { History } from './history.ts'
import { Member } from './member.ts'
import { startProxy, type Proxy } from './proxy.ts'
import { startOwnRedis, type OwnRedis } from './redis.ts'
import { readTrace } from './trace.ts'

/** What stands on the stage, all of it real processes. */
export interface Cast {
  /** Started at once; a directed scenario may start more of them later. */
  readonly schedulers: number
  readonly nodes: number
  readonly env?: Readonly<Record<string, string>>
  /** Audio in a Redis of its own. */
  readonly hasAudioRedis?: boolean
  /** Nothing but Redis is started: the scenario does it itself. */
  readonly isBare?: boolean
}

export const PREFIX = '{chaos}'

/** One system under test, with everything needed to hurt it and to see what it does. */
export interface Stage {
  readonly chance: Chance
  readonly history: History
  readonly redis: OwnRedis
  /** The same one where audio has none of its own. */
  readonly audioRedis: OwnRedis
  readonly schedulers: readonly Member[]
  readonly nodes: readonly Member[]
  /** One before each scheduler, in the same order. */
  readonly proxies: readonly Proxy[]
  /** What clients are given: the addresses of the proxies. */
  readonly urls: readonly string[]
  /** Everything that is not well is made well. */
  heal(): Promise<void>
  /** Reads the traces of all processes into the history. */
  collect(): Promise<void>
  /** Ends every process. Safe at any moment, and twice. */
  close(): Promise<void>
}

export interface StageOptions {
  readonly cast: Cast
  /** The build to run. */
  readonly system: URL
  readonly chance: Chance
  readonly history: History
  /** For logs, traces and the data of Redis. */
  readonly folder: string
  readonly stop: AbortSignal
}

export async function openStage(options: StageOptions): Promise<Stage> {
  const { cast, system, chance, history, folder, stop } = options
  const logs = join(folder, 'logs')
  await mkdir(logs, { recursive: true })
  const undo: (() => Promise<unknown>)[] = []
  let closing: Promise<void> | undefined
  const closeAll = async (): Promise<void> => {
    for (const step of undo.toReversed()) await step().catch(() => {})
  }
  const close = (): Promise<void> => (closing ??= closeAll())
  try {
    const redis = await startOwnRedis(join(folder, 'redis'))
    undo.push(() => redis.end('SIGKILL'))
    const audioRedis = cast.hasAudioRedis ? await startOwnRedis(join(folder, 'audio')) : redis
    undo.push(() => audioRedis.end('SIGKILL'))
    const env = settings(cast, redis, audioRedis)
    const proxies = await Promise.all(Array.from({ length: cast.schedulers }, () => startProxy()))
    undo.push(() => Promise.all(proxies.map((proxy) => proxy.stop())))
    const schedulers = proxies.map(
      (proxy, i) =>
        new Member({
          name: `scheduler-${i + 1}`,
          entry: new URL('src/main.js', system),
          env,
          folder: logs,
          history,
          onChange: (ready) => proxy.lead(ready && String(ready['url'])),
        }),
    )
    const nodes = Array.from(
      { length: cast.nodes },
      (_, i) =>
        new Member({
          name: `node-${i + 1}`,
          entry: new URL('workers/main.js', system),
          env: { LINGUA_NODE_CAPACITY: '4', ...env, LINGUA_NODE_ID: `node-${i + 1}` },
          folder: logs,
          history,
        }),
    )
    const members = [...schedulers, ...nodes]
    undo.push(() => Promise.all(members.map((member) => member.close())))
    // One at a time: together they would starve each other past their first leases.
    for (const member of cast.isBare ? [] : members) {
      stop.throwIfAborted()
      await member.start()
    }
    return {
      ...{ chance, history, redis, audioRedis, schedulers, nodes, proxies, close },
      urls: proxies.map(({ url }) => url),
      async heal() {
        redis.thaw()
        audioRedis.thaw()
        await Promise.all(
          members.map(async (member) => {
            member.thaw()
            await member.start()
          }),
        )
      },
      async collect() {
        for (const { name, traces } of members)
          for (const file of traces) history.add(await readTrace(file, name))
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

const settings = ({ env }: Cast, redis: OwnRedis, audioRedis: OwnRedis) => ({
  REDIS_URL: redis.url,
  AUDIO_REDIS_URL: audioRedis.url,
  LINGUA_KEY_PREFIX: PREFIX,
  LINGUA_NODE_ENGINE: 'scripted',
  LINGUA_HEAD_WAIT_MS: '3000',
  // Beyond the heartbeat of a gateway, yet short enough to see the sweep.
  LINGUA_RESUME_WINDOW_MS: '20000',
  PORT: '0',
  ...env,
})
