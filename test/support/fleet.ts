import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { connect, type ConnectOptions, type Session } from '../../src/client/client.ts'
import { startPart, type Part } from '../../src/tools/processes.ts'
import { test as base, expect } from './test.ts'

const DIST = new URL('../../dist/', import.meta.url)

/** Real processes of the system on one Redis prefix: they can be killed, stopped and given a wrong clock. */
export interface Fleet {
  scheduler(env?: Record<string, string>): Promise<Part>
  node(id: string, env?: Record<string, string>): Promise<Part>
  client(schedulers: readonly Part[], options?: Partial<ConnectOptions>): Promise<Session>
}

async function createFleet(
  prefix: string,
  onCleanup: (undo: () => Promise<void>) => void,
): Promise<Fleet> {
  const logs = await mkdtemp(join(tmpdir(), 'fleet-'))
  const undo: (() => Promise<void>)[] = [() => rm(logs, { recursive: true, force: true })]
  onCleanup(async () => {
    for (const step of undo.toReversed()) await step()
  })
  const common = { REDIS_URL: inject('redisUrl'), LINGUA_KEY_PREFIX: prefix, PORT: '0' }
  let started = 0
  const start = async (entry: string, env: Record<string, string>): Promise<Part> => {
    started += 1
    const part = await startPart({
      name: `${started}`,
      entry: new URL(entry, DIST),
      env: { ...common, ...env },
      logs,
    })
    undo.push(() => part.stop())
    return part
  }
  return {
    scheduler: (env = {}) => start('src/main.js', env),
    node: (id, env = {}) =>
      start('workers/main.js', {
        LINGUA_NODE_ID: id,
        LINGUA_NODE_ENGINE: 'scripted',
        LINGUA_NODE_CAPACITY: '4',
        ...env,
      }),
    async client(schedulers, options = {}) {
      const urls = schedulers.map(({ ready }) => ready.url ?? '')
      const session = await connect(urls, {
        source: 'en',
        target: 'es',
        endpointing: { mode: 'manual' },
        ...options,
      })
      undo.push(async () => session.leave())
      return session
    },
  }
}

/** A clock that is off by `ms`, as settings of a process. */
export const skewedBy = (ms: number): Record<string, string> => ({
  NODE_OPTIONS: `--import ${new URL('skewed.mjs', import.meta.url).href}`,
  SKEW_MS: String(ms),
})

export const test = base.extend('fleet', ({ prefix }, { onCleanup }) =>
  createFleet(prefix, onCleanup),
)
export { expect }
