import { test as base, expect, inject } from 'vitest'
import { connect, type ConnectOptions, type Session } from '../../src/client/client.ts'
import { readConfig } from '../../src/platform/config.ts'
import { createLog } from '../../src/platform/log.ts'
import { openStore, type Store } from '../../src/platform/redis.ts'
import { createScheduler, type Scheduler } from '../../src/scheduler.ts'
import { createScriptedEngine } from '../../workers/engines/scripted.ts'
import { createNode, type Engine, type Node } from '../../workers/node.ts'
import { RawClient } from './raw-client.ts'

const quiet = createLog(process.env['TEST_LOG'] ?? 'silent', 'test')

/** Where clients connect. */
interface Door {
  readonly url: string
}

/** A whole system on one Redis prefix, taken down in the reverse order of its building. */
export interface World {
  readonly prefix: string
  store(): Promise<Store>
  scheduler(env?: Record<string, string>): Promise<Scheduler>
  node(env?: Record<string, string>, engine?: Engine): Promise<Node>
  client(scheduler: Door | readonly Door[], options?: Partial<ConnectOptions>): Promise<Session>
  /** A socket that does nothing by itself. */
  raw(scheduler: Door, token?: string): RawClient
}

function createWorld(prefix: string, onCleanup: (undo: () => Promise<void>) => void): World {
  const url = inject('redisUrl')
  const undo: (() => Promise<unknown>)[] = []
  onCleanup(async () => {
    for (const step of undo.toReversed()) await step()
  })
  const config = (env: Record<string, string>) =>
    readConfig({ REDIS_URL: url, PORT: '0', LINGUA_KEY_PREFIX: prefix, ...env })
  const store = async (): Promise<Store> => {
    const opened = await openStore({ url, audioUrl: undefined, prefix, name: 'test', log: quiet })
    undo.push(() => opened.close())
    return opened
  }
  return {
    prefix,
    store,
    async scheduler(env = {}) {
      const scheduler = await createScheduler({
        config: config(env),
        store: await store(),
        log: quiet,
      })
      undo.push(() => scheduler.stop(2000))
      return scheduler
    },
    async node(env = {}, engine) {
      const is = config(env)
      const node = await createNode({
        config: is,
        store: await store(),
        engine: engine ?? createScriptedEngine({ node: is.node.id, pairs: is.node.pairs }),
        log: quiet,
      })
      undo.push(() => node.stop(1000))
      return node
    },
    async client(schedulers, options = {}) {
      const urls = [schedulers].flat().map((each) => each.url)
      const session = await connect(urls, {
        source: 'en',
        target: 'es',
        endpointing: { mode: 'manual' },
        ...options,
      })
      undo.push(async () => session.leave())
      return session
    },
    raw(scheduler, token) {
      const client = new RawClient(scheduler.url, token)
      undo.push(async () => client.leave())
      return client
    },
  }
}

/** Each test has a key prefix of its own, so tests share one redis-server and never meet. */
export const test = base
  .extend('prefix', ({ task }) => `{t${task.id.replaceAll(/[^A-Za-z0-9]/g, '-')}}`)
  .extend('world', ({ prefix }, { onCleanup }) => createWorld(prefix, onCleanup))
  .extend('store', ({ world }) => world.store())
export { expect }
