import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { csrf } from 'hono/csrf'
import type { Redis } from 'ioredis'
import type { Keys } from '../lua/keys.ts'
import type { Service } from '../src/platform/lifecycle.ts'
import type { Log } from '../src/platform/log.ts'
import { createBoard } from './board.ts'
import { followFleet } from './follow.ts'
import { assertLoopback, isLoopback } from './loopback.ts'
import { fleetPage } from './page.ts'

const QUEUES = '/queues'

export interface DashboardDeps {
  /** Shared with the queues: should fail fast while Redis is away. Not closed by the dashboard. */
  readonly redis: Redis
  readonly keys: Keys
  /** A loopback address: there is no login. */
  readonly host: string
  /** 0 = any. */
  readonly port: number
  /** Whether Bull Board may change jobs and queues. */
  readonly write: boolean
  readonly log: Log
}

export interface Dashboard extends Service {
  /** Where it serves; empty before `start`. */
  readonly url: string
  /** Reads the fleet and shows its queues now, as happens every 2 s. Never rejects. */
  refresh(): Promise<void>
}

/** Fleet page and Bull Board. Throws `bad_request` for a host that other machines could reach. */
export function createDashboard(deps: DashboardDeps): Dashboard {
  const { keys, host, port, log } = deps
  assertLoopback(host)
  const board = createBoard({ ...deps, prefix: keys.prefix, path: QUEUES })
  const follower = followFleet({ ...deps, show: (queues) => board.show(queues) })
  const app = createApp(board.app, () => fleetPage(follower.state()))
  const listen = getRequestListener(app.fetch)
  const server = createServer((request, response) => {
    listen(request, response).catch((error: unknown) => log.error({ err: error }, 'request'))
  })
  let url = ''
  return {
    name: 'dashboard',
    get url() {
      return url
    },
    refresh: () => follower.refresh(),
    async start() {
      await follower.start()
      server.listen(port, host)
      await once(server, 'listening')
      url = urlOf(server)
    },
    async stop() {
      server.close()
      server.closeAllConnections()
      await follower.stop()
      await board.close()
    },
  }
}

function createApp(board: Hono, page: () => ReturnType<typeof fleetPage>): Hono {
  const app = new Hono()
  // Another's host name that leads here would let that site's pages read this one.
  app.use(async (context, next) => {
    if (isLoopback(new URL(context.req.url).hostname)) return next()
    return context.text('This dashboard answers to localhost and 127.0.0.1 only.', 403)
  })
  app.use(csrf())
  app.get('/healthz', (context) => context.text('ok'))
  app.get('/', (context) => context.html(page()))
  app.get('/sessions', (context) => context.redirect('/'))
  app.get(`${QUEUES}/`, (context) => context.redirect(QUEUES))
  app.route(QUEUES, board)
  return app
}

function urlOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') return ''
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}
