import { Redis } from 'ioredis'
import { createAudioKeys, createKeys, type AudioKeys, type Keys } from '../../lua/keys.ts'
import { defineScripts, type Call } from '../../lua/scripts.ts'
import { LinguaError } from '../protocol/codes.ts'
import type { Log } from './log.ts'
import { watchLife, type RedisLife } from './redis-life.ts'

/** The connections of one process and the names in what they lead to. */
export interface Store {
  /** Of the control plane, for whoever needs a connection of its own. */
  readonly url: string
  readonly keys: Keys
  readonly audioKeys: AudioKeys
  /** Control plane. Fails fast while Redis is away. */
  readonly control: Redis
  readonly call: Call
  /** The life of the control plane. */
  readonly life: RedisLife
  /** Audio plane. Fails fast. */
  readonly audio: Redis
  readonly callAudio: Call
  readonly audioLife: RedisLife
  /** For BullMQ's workers: waits for Redis, and is duplicated by each for its blocking reads. */
  readonly worker: Redis
  /** A connection of its own that only listens. */
  subscribe(channel: string, listen: (message: string) => void): Promise<void>
  close(): Promise<void>
}

export interface StoreOptions {
  readonly url: string
  readonly audioUrl: string | undefined
  readonly prefix: string
  /** Shown by CLIENT LIST. */
  readonly name: string
  readonly log: Log
}

const retryStrategy = (attempt: number): number => Math.min(25 * 2 ** attempt, 500)
const patient = { maxRetriesPerRequest: null, retryStrategy } as const
const prompt = {
  enableOfflineQueue: false,
  commandTimeout: 2000,
  maxRetriesPerRequest: 1,
  retryStrategy,
} as const
type Manner = typeof patient | typeof prompt

/** Connects; throws `dependency_down` if Redis does not answer within 5 s. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { url, audioUrl = url, prefix, name, log } = options
  const opened: Redis[] = []
  const connect = (to: string, how: Manner, part: string): Redis => {
    const redis = new Redis(to, { ...how, connectionName: `${name}:${part}` })
    redis.on('error', (error) => log.debug({ err: error, connection: part }, 'redis connection'))
    opened.push(redis)
    return redis
  }
  const control = connect(url, prompt, 'control')
  const audio = connect(audioUrl, prompt, 'audio')
  const worker = connect(url, patient, 'worker')
  const close = async (): Promise<void> => {
    for (const redis of opened.toReversed()) redis.disconnect()
    await Promise.resolve()
  }
  try {
    await Promise.all([control, audio, worker].map((redis) => ready(redis)))
  } catch (error) {
    await close()
    throw error
  }
  return {
    url,
    keys: createKeys(prefix),
    audioKeys: createAudioKeys(prefix),
    control,
    call: defineScripts(control),
    life: watchLife(control),
    audio,
    callAudio: defineScripts(audio),
    audioLife: watchLife(audio),
    worker,
    async subscribe(channel, listen) {
      const subscriber = connect(url, patient, 'subscriber')
      subscriber.on('message', (_, message: string) => listen(message))
      await subscriber.subscribe(channel)
    },
    close,
  }
}

const CONNECT_MS = 5000

async function ready(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return
  let last: Error | undefined
  await new Promise<void>((resolve, reject) => {
    const note = (error: Error): void => void (last = error)
    const timer = setTimeout(() => {
      reject(
        new LinguaError(
          'dependency_down',
          `Redis did not answer within ${CONNECT_MS} ms: start it, or correct REDIS_URL` +
            (last ? ` (${last.message})` : ''),
          { cause: last },
        ),
      )
    }, CONNECT_MS)
    redis.on('error', note)
    redis.once('ready', () => {
      clearTimeout(timer)
      redis.off('error', note)
      resolve()
    })
  })
}

/**
 * Why a Redis takes nothing now, undefined if it does. Asked is a write that writes nothing: read-only and full
 * ones refuse that too.
 */
export const whyRefused = (redis: Redis, prefix: string): Promise<string | undefined> =>
  redis.setrange(`${prefix}:nothing`, 0, '').then(
    () => undefined,
    (error: Error) => {
      const [reason] = /^[A-Z]+(?= )/.exec(error.message) ?? []
      return reason ? `redis refuses: ${reason}` : 'redis does not answer'
    },
  )

const DOWN =
  /Connection is closed|isn't writeable|Command timed out|ECONNREFUSED|ECONNRESET|ENOENT|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN|max retries per request|^(LOADING|READONLY|OOM|MASTERDOWN|MISCONF|NOREPLICAS|BUSY|TRYAGAIN|CLUSTERDOWN)/i

/** Whether an error says that Redis is away, read-only or full: nobody's fault, worth another try. */
export const isRedisDown = (error: unknown): boolean =>
  error instanceof Error && DOWN.test(error.message)
