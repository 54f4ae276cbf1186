import type { Redis } from 'ioredis'

/** The life of a Redis: another one after a restart, or when another server takes its place. */
export interface RedisLife {
  /** Names the life that the connection is in now. Rejects while Redis is away. */
  current(): Promise<string>
  /** Who is told when another life has begun: it may be older than the one before. */
  onChanged(tell: () => void): void
}

/** Watches the lives of what a connection leads to, from the moment on that it is ready again. */
export function watchLife(redis: Redis): RedisLife {
  const listeners: (() => void)[] = []
  let last: string | undefined
  const look = async (): Promise<string> => {
    const info = await redis.info()
    const life = `${field(info, 'run_id')} ${field(info, 'role')}`
    if (last !== undefined && life !== last) for (const tell of listeners) tell()
    last = life
    return life
  }
  let looking: Promise<string> | undefined
  const begin = (): Promise<string> => {
    const asked = look()
    // Whoever needs it asks again; here nobody waits for it.
    asked.catch(() => (looking = undefined))
    return (looking = asked)
  }
  redis.on('ready', () => void begin())
  if (redis.status === 'ready') void begin()
  return {
    current: () => looking ?? begin(),
    onChanged: (tell) => void listeners.push(tell),
  }
}

const field = (info: string, name: string): string =>
  new RegExp(`^${name}:(.+?)\\r?$`, 'm').exec(info)?.[1] ?? ''
