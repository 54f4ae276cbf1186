import { once } from 'node:events'
import type { Server } from 'node:http'
import { Registry } from 'prom-client'
import { test as base, describe, expect } from 'vitest'
import { createHttp, listen } from '../../src/gateway/http.ts'
import { createMetrics } from '../../src/platform/metrics.ts'

const explain = () => Promise.reject(new Error('not asked for'))

type Unready = () => Promise<string | undefined>

interface World {
  /** Serves on a free port and answers its address. */
  serve(unready?: Unready, registry?: Registry, blockedMs?: () => number): Promise<string>
}

const test = base.extend('world', ({}, { onCleanup }): World => {
  const servers: Server[] = []
  onCleanup(async () => {
    for (const server of servers) {
      const closed = once(server, 'close')
      server.close().closeAllConnections()
      await closed
    }
  })
  return {
    serve(
      unready = () => Promise.resolve(undefined),
      registry = new Registry(),
      blockedMs = () => 0,
    ) {
      const server = createHttp({ registry, unready, explain, blockedMs })
      servers.push(server)
      return listen(server, '127.0.0.1', 0)
    },
  }
})

const get = async (url: string, init: RequestInit = {}) => {
  const response = await fetch(url, init)
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    text: await response.text(),
  }
}

describe('listening', () => {
  test('answers an address that can be asked', async ({ world }) => {
    const url = await world.serve()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/)
    expect((await get(`${url}/healthz`)).status).toBe(200)
  })

  test('on a port that is taken fails at once', async ({ world }) => {
    const { port } = new URL(await world.serve())
    const second = createHttp({
      registry: new Registry(),
      unready: async () => undefined,
      explain,
      blockedMs: () => 0,
    })
    await expect(listen(second, '127.0.0.1', Number(port))).rejects.toThrow('EADDRINUSE')
  })
})

describe('/healthz', () => {
  test('is fine while the process turns, whatever it waits for', async ({ world }) => {
    const url = await world.serve(() => new Promise(() => {}))
    expect(await get(`${url}/healthz`)).toEqual({
      status: 200,
      type: 'text/plain; charset=utf-8',
      text: 'ok\n',
    })
  })

  test('is not while it has just been blocked for over 5 s', async ({ world }) => {
    const blocks = [5000, 5000.6, 0]
    const url = await world.serve(undefined, undefined, () => blocks.shift() ?? 0)
    expect(await get(`${url}/healthz`)).toMatchObject({ status: 200 })
    expect(await get(`${url}/healthz`)).toMatchObject({
      status: 503,
      text: 'the event loop was blocked for 5001 ms\n',
    })
    expect(await get(`${url}/healthz`)).toMatchObject({ status: 200 })
  })
})

describe('/readyz', () => {
  test('is fine while this process takes sessions', async ({ world }) => {
    const url = await world.serve()
    expect(await get(`${url}/readyz`)).toMatchObject({ status: 200, text: 'ready\n' })
  })

  test('tells why this process takes none, and goes by what is true now', async ({ world }) => {
    const reasons = ['draining', undefined]
    const url = await world.serve(async () => reasons.shift())
    expect(await get(`${url}/readyz`)).toMatchObject({ status: 503, text: 'draining\n' })
    expect(await get(`${url}/readyz`)).toMatchObject({ status: 200 })
  })

  test('keeps to itself what broke in the asking', async ({ world }) => {
    const url = await world.serve(() => Promise.reject(new Error('secret')))
    expect(await get(`${url}/readyz`)).toMatchObject({ status: 500, text: 'internal\n' })
  })
})

describe('/metrics', () => {
  test('is what Prometheus reads', async ({ world }) => {
    const { registry, cuts } = createMetrics(() => 3)
    cuts.inc({ reason: 'manual' })
    const url = await world.serve(undefined, registry)
    const { status, type, text } = await get(`${url}/metrics`)
    expect(status).toBe(200)
    expect(type).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(text).toContain('\nlinguamq_sessions 3\n')
    expect(text).toContain('\nlinguamq_cuts_total{reason="manual"} 1\n')
  })
})

describe('any other request', () => {
  test.for([
    '/',
    '/healthz/',
    '/HEALTHZ',
    '/metrics.txt',
    '/v1/translate',
    '/socket.iox',
    '//healthz',
  ])('for %s is not found', async (path, { world }) => {
    const url = await world.serve()
    expect(await get(`${url}${path}`)).toMatchObject({ status: 404, text: 'not found\n' })
  })

  test('may carry a query', async ({ world }) => {
    const url = await world.serve()
    expect(await get(`${url}/healthz?from=probe`)).toMatchObject({ status: 200 })
  })

  test.for(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
    'by %s is not allowed',
    async (method, { world }) => {
      const url = await world.serve()
      expect(await get(`${url}/healthz`, { method })).toMatchObject({ status: 405 })
    },
  )
})
