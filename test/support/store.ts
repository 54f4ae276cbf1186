import { test as base, expect, inject } from 'vitest'
import { createLog } from '../../src/platform/log.ts'
import { openStore, type Store } from '../../src/platform/redis.ts'

/**
 * Each test has a key prefix of its own, so tests share one redis-server and never meet. This much is
 * enough for what needs Redis and no more of the system, and quick to load.
 */
export const test = base
  .extend('prefix', ({ task }) => `{t${task.id.replaceAll(/[^A-Za-z0-9]/g, '-')}}`)
  .extend('store', async ({ prefix }, { onCleanup }): Promise<Store> => {
    const log = createLog('silent', 'test')
    const url = inject('redisUrl')
    const store = await openStore({ url, audioUrl: undefined, prefix, name: 'test', log })
    onCleanup(() => store.close())
    return store
  })
export { expect }
