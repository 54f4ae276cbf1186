import { Queue, FlowProducer } from 'bullmq'
import { inject, test as base } from 'vitest'
import { createDashboard, type Dashboard } from '../../dashboard/server.ts'
import { nodeQueue } from '../../lua/keys.ts'
import { createLog } from '../../src/platform/log.ts'
import { openStore, type Store } from '../../src/platform/redis.ts'
import { incarnation, nodeId } from '../../src/protocol/ids.ts'
import { TRANSLATE, UTTERANCES } from '../../src/protocol/jobs.ts'

export const log = createLog('silent', 'test')

export interface World {
  readonly store: Store
  readonly prefix: string
  dashboard(settings?: { write?: boolean }): Promise<Dashboard>
  /** Registers a node by hand and answers its queue, which nobody has opened yet. */
  register(id: string, life: string): Promise<string>
  leave(id: string): Promise<void>
  /** A parent in `utterances` that waits for a child in this queue. */
  addUtterance(queue: string): Promise<void>
  obliterate(queue: string): Promise<void>
  allKeys(): Promise<string[]>
  close(): Promise<void>
}

export const dashboardDeps = (store: Store) =>
  ({ redis: store.control, keys: store.keys, host: '127.0.0.1', port: 0, log }) as const

async function openWorld(prefix: string): Promise<World> {
  const url = inject('redisUrl')
  const store = await openStore({ url, audioUrl: undefined, prefix, name: 'test', log })
  const { keys, control } = store
  const opened: Dashboard[] = []
  const producer = { connection: store.worker, prefix }
  return {
    store,
    prefix,
    async dashboard({ write = false } = {}) {
      const dashboard = createDashboard({ ...dashboardDeps(store), write })
      opened.push(dashboard)
      await dashboard.start()
      return dashboard
    },
    async register(id, life) {
      const time = (await control.time()).map(Number)
      const now = (time[0] ?? 0) * 1000
      const fields = { incarnation: life, state: 'ready', capacity: 4, host: 'here', beatAt: now }
      await control.hset(keys.node(nodeId(id)), { ...fields, pairs: 'en>es en>es+speech' })
      await control.zadd(keys.slots(nodeId(id), incarnation(life)), now, 'u_s_0.1')
      await control.zadd(keys.nodes, now + 2000, id)
      return nodeQueue(nodeId(id), incarnation(life))
    },
    async leave(id) {
      await control.zrem(keys.nodes, id)
    },
    async addUtterance(queue) {
      const flows = new FlowProducer(producer)
      await flows.add({
        ...{ name: 'utterance', queueName: UTTERANCES, opts: { jobId: 'u_s_0' } },
        children: [{ name: TRANSLATE, queueName: queue, opts: { jobId: 'u_s_0.1' } }],
      })
      await flows.close()
    },
    async obliterate(name) {
      const queue = new Queue(name, { ...producer, skipMetasUpdate: true })
      await queue.obliterate({ force: true })
      await queue.close()
    },
    allKeys: () => control.keys(`${prefix}*`).then((found) => found.toSorted()),
    async close() {
      for (const dashboard of opened) await dashboard.stop(AbortSignal.timeout(3000))
      await store.close()
    },
  }
}

/** A registry and queues of one test's own. */
export const test = base.extend('world', async ({ task }, { onCleanup }) => {
  const world = await openWorld(`{d${task.id}}`)
  onCleanup(() => world.close())
  return world
})

/** The names Bull Board lists. */
export async function listQueues({ url }: Dashboard): Promise<string[]> {
  const response = await fetch(`${url}/queues/api/queues`)
  const { queues } = (await response.json()) as { queues: { name: string }[] }
  return queues.map(({ name }) => name)
}
