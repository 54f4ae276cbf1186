import { appRoutes } from '@bull-board/api/dist/routes.js'
import { describe, expect } from 'vitest'
import { UTTERANCES } from '../../src/protocol/jobs.ts'
import { listQueues, test } from './world.ts'

describe('the board', () => {
  test('lists utterances and the queue of every node there is', async ({ world }) => {
    const queue = await world.register('n1', 'abc')
    const dashboard = await world.dashboard()
    expect(await listQueues(dashboard)).toEqual([UTTERANCES, queue])
  })

  test('lists a node that comes and drops one that goes', async ({ world }) => {
    const dashboard = await world.dashboard()
    const queue = await world.register('n1', 'abc')
    await dashboard.refresh()
    expect(await listQueues(dashboard)).toContain(queue)
    await world.leave('n1')
    await dashboard.refresh()
    expect(await listQueues(dashboard)).toEqual([UTTERANCES])
  })

  test("lists a node's new life in place of the old one", async ({ world }) => {
    await world.register('n1', 'abc')
    const dashboard = await world.dashboard()
    const second = await world.register('n1', 'abd')
    await dashboard.refresh()
    expect(await listQueues(dashboard)).toEqual([UTTERANCES, second])
  })

  test('shows an utterance and its attempt as one tree', async ({ world }) => {
    const queue = await world.register('n1', 'abc')
    await world.addUtterance(queue)
    const { url } = await world.dashboard()
    const response = await fetch(`${url}/queues/api/queues/${queue}/u_s_0.1/flow`)
    expect(await response.json()).toMatchObject({
      flowRoot: {
        id: 'u_s_0',
        queueName: UTTERANCES,
        state: 'waiting-children',
        children: [{ id: 'u_s_0.1', queueName: queue, state: 'waiting' }],
      },
    })
  })

  test('does not create a queue by listing it', async ({ world }) => {
    await world.register('n1', 'abc')
    const before = await world.allKeys()
    const dashboard = await world.dashboard()
    expect(await listQueues(dashboard)).toHaveLength(2)
    expect(await world.allKeys()).toEqual(before)
  })

  test('lets go of a queue that it lists no longer', async ({ world }) => {
    const dashboard = await world.dashboard()
    const listeners = (): number => world.store.control.listenerCount('error')
    const before = listeners()
    await world.register('n1', 'abc')
    await dashboard.refresh()
    expect(listeners()).toBeGreaterThan(before)
    await world.leave('n1')
    await dashboard.refresh()
    expect(listeners()).toBe(before)
  })

  test('leaves no key behind when a queue it shows is obliterated', async ({ world }) => {
    const queue = await world.register('n1', 'abc')
    const before = await world.allKeys()
    await world.addUtterance(queue)
    const dashboard = await world.dashboard()
    const browse = async (): Promise<void> => {
      const paths = [`?activeQueue=${queue}`, `/${queue}/u_s_0.1/flow`, `/${queue}/metrics`]
      for (const path of paths) await fetch(`${dashboard.url}/queues/api/queues${path}`)
    }
    await browse()
    await world.obliterate(queue)
    await world.obliterate(UTTERANCES)
    await browse()
    await dashboard.refresh()
    await browse()
    expect(await world.allKeys()).toEqual(before)
  })
})

const changes = appRoutes.api
  .filter(({ method }) => method !== 'get')
  .flatMap(({ method, route }) => [route].flat().map((path) => ({ method, path })))

const change = (url: string, { method, path }: (typeof changes)[number], queue: string) =>
  fetch(`${url}/queues${path.replace(':queueName', queue).replace(':jobId', 'u_s_0.1')}`, {
    method: String(method).toUpperCase(),
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })

describe('changing', () => {
  test('anything is refused with 405 unless it was allowed', async ({ world }) => {
    const queue = await world.register('n1', 'abc')
    await world.addUtterance(queue)
    const { url } = await world.dashboard()
    const before = await world.allKeys()
    const answers: Record<string, number> = {}
    for (const each of changes) answers[each.path] = (await change(url, each, queue)).status
    expect(changes.length).toBeGreaterThan(15)
    expect(answers).toEqual(Object.fromEntries(changes.map(({ path }) => [path, 405])))
    expect(await world.allKeys()).toEqual(before)
    expect(await world.store.control.hget(`${world.prefix}:${queue}:meta`, 'paused')).toBe(null)
  })

  test('a queue works when it was allowed', async ({ world }) => {
    const queue = await world.register('n1', 'abc')
    await world.addUtterance(queue)
    const { url } = await world.dashboard({ write: true })
    const pause = { method: 'put', path: '/api/queues/:queueName/pause' } as const
    expect((await change(url, pause, queue)).status).toBe(200)
    expect(await world.store.control.hget(`${world.prefix}:${queue}:meta`, 'paused')).toBe('1')
  })

  test('is not for the pages of other sites', async ({ world }) => {
    const { url } = await world.dashboard({ write: true })
    const response = await fetch(`${url}/queues/api/queues/${UTTERANCES}/pause`, {
      method: 'PUT',
      headers: { 'content-type': 'text/plain', origin: 'http://elsewhere.example' },
    })
    expect(response.status).toBe(403)
  })
})
