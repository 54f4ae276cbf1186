import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { createDashboard } from '../../dashboard/server.ts'
import { openStore } from '../../src/platform/redis.ts'
import { findRedisServer, startRedisServer } from '../../src/platform/redis-server.ts'
import { dashboardDeps, log, test } from './world.ts'

const textOf = async (url: string): Promise<string> => (await fetch(url)).text()

describe('the fleet page', () => {
  test('shows every node with its state, load and pairs', async ({ world }) => {
    const queue = await world.register('n1', 'abc')
    const { url } = await world.dashboard()
    const page = await textOf(url)
    expect(page).toContain('1 node, 0 sessions')
    expect(page).toContain(`href="/queues/queue/${queue}"`)
    expect(page).toMatch(/ready[^]*abc[^]*>1<[^]*>4<[^]*en → es \(speech\)[^]*here[^]*s ago/)
  })

  test('says how to start a node when there is none', async ({ world }) => {
    const { url } = await world.dashboard()
    expect(await textOf(url)).toContain('npm run node')
  })

  test('shows what a node says of itself as text', async ({ world }) => {
    await world.register('n1', 'abc')
    await world.store.control.hset(`${world.prefix}:node:n1`, 'host', '<script>')
    const { url } = await world.dashboard()
    expect(await textOf(url)).toContain('&lt;script&gt;')
  })
})

describe('the server', () => {
  test('answers the board with and without a slash at its end', async ({ world }) => {
    const { url } = await world.dashboard()
    for (const path of ['/queues', '/queues/', '/queues/queue/utterances'])
      expect(await textOf(url + path)).toContain('<title>LinguaMQ</title>')
    expect(await textOf(`${url}/sessions`)).toContain('LinguaMQ fleet')
  })

  test('is not to be bound where other machines reach it', ({ world }) => {
    for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.org'])
      expect(() => createDashboard({ ...dashboardDeps(world.store), host, write: false })).toThrow(
        `HOST is ${host}, but the dashboard has no login`,
      )
  })

  test('is not to be reached by the name of another site', async ({ world }) => {
    const { url } = await world.dashboard()
    const status = await new Promise((resolve, reject) => {
      request(url, { headers: { host: 'elsewhere.example' } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
    expect(status).toBe(403)
  })

  test('may be stopped before it started, and twice', async ({ world }) => {
    const dashboard = createDashboard({ ...dashboardDeps(world.store), write: false })
    await dashboard.stop(AbortSignal.timeout(1000))
    await dashboard.stop(AbortSignal.timeout(1000))
  })

  test('rejects its start when its port is taken', async ({ world }) => {
    const first = await world.dashboard()
    const port = Number(new URL(first.url).port)
    const second = createDashboard({ ...dashboardDeps(world.store), port, write: false })
    await expect(second.start()).rejects.toThrow('EADDRINUSE')
    await second.stop(AbortSignal.timeout(1000))
  })
})

describe('while Redis is away', () => {
  test('it serves on, says so, and goes on when Redis is back', async ({ onTestFinished }) => {
    const dir = await mkdtemp(join(tmpdir(), 'redis-'))
    const program = await findRedisServer()
    const settings = ['port 0', 'unixsocket redis.sock', 'save ""']
    const start = async () => {
      const server = await startRedisServer({ program, dir, settings })
      if (!server) throw new Error('the folder is in use')
      return server
    }
    let server = await start()
    const url = join(dir, 'redis.sock')
    const store = await openStore({ url, audioUrl: undefined, prefix: '{d}', name: 'test', log })
    const dashboard = createDashboard({ ...dashboardDeps(store), write: false })
    onTestFinished(async () => {
      await dashboard.stop(AbortSignal.timeout(1000))
      await store.close()
      server.kill()
      await server.ended
      await rm(dir, { recursive: true })
    })
    await dashboard.start()
    expect(await textOf(dashboard.url)).not.toContain('Redis does not answer')

    server.kill('SIGKILL')
    await server.ended
    await dashboard.refresh()
    expect(await textOf(dashboard.url)).toContain('Redis does not answer')
    expect(await textOf(`${dashboard.url}/healthz`)).toBe('ok')
    expect((await fetch(`${dashboard.url}/queues/api/queues`)).status).toBe(500)
    expect((await fetch(`${dashboard.url}/queues`)).status).toBe(200)

    const back = new Promise((resolve) => store.control.once('ready', resolve))
    server = await start()
    await back
    await dashboard.refresh()
    expect(await textOf(dashboard.url)).not.toContain('Redis does not answer')
    expect((await fetch(`${dashboard.url}/queues/api/queues`)).status).toBe(200)
  })
})
