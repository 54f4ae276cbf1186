import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { LinguaError, type ErrorCode } from '../protocol/codes.ts'
import type { ExplainQuery, Explanation } from '../protocol/explanation.ts'
import { explainQuery, faultsOf } from '../protocol/schemas.ts'
import { admitLoopback } from './auth.ts'
import { toWireError } from './errors.ts'

export interface HttpDeps {
  readonly registry: Registry
  /** Undefined while this process takes sessions, else the reason why not. */
  readonly unready: () => Promise<string | undefined>
  /** For how long the event loop was blocked of late. */
  readonly blockedMs: () => number
  /** What routing would decide now. */
  readonly explain: (request: ExplainQuery) => Promise<Explanation>
}

/** A process that does nothing for so long is not healthy. */
const MOST_BLOCKED_MS = 5000

/** `/healthz`, `/readyz`, `/metrics`, `/v1/explain`. Socket.IO attaches itself to the same server, in front. */
export function createHttp({ registry, unready, blockedMs, explain }: HttpDeps): Server {
  return createServer((request, response) => {
    const send = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type }).end(body)
    }
    const fail = (): void => send(500, 'internal\n')
    const [path, query = ''] = (request.url ?? '/').split('?')
    if (request.method !== 'GET') send(405, 'only GET\n')
    else if (path === '/healthz') {
      const ms = Math.round(blockedMs())
      if (ms > MOST_BLOCKED_MS) send(503, `the event loop was blocked for ${ms} ms\n`)
      else send(200, 'ok\n')
    } else if (path === '/readyz')
      unready().then((why) => (why ? send(503, `${why}\n`) : send(200, 'ready\n')), fail)
    else if (path === '/metrics')
      registry.metrics().then((text) => send(200, text, registry.contentType), fail)
    else if (path === '/v1/explain')
      answerExplain(request, query, explain).then(
        ({ status, body }) => send(status, `${JSON.stringify(body)}\n`, 'application/json'),
        fail,
      )
    else send(404, 'not found\n')
  })
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  bad_request: 400,
  forbidden_origin: 403,
  dependency_down: 503,
}

/** For operators on this machine: it names every node. */
async function answerExplain(
  { socket, headers }: IncomingMessage,
  query: string,
  explain: HttpDeps['explain'],
): Promise<{ status: number; body: object }> {
  try {
    await admitLoopback({ address: socket.remoteAddress ?? '', origin: headers.origin })
    const parsed = explainQuery.safeParse(Object.fromEntries(new URLSearchParams(query)))
    if (!parsed.success) throw new LinguaError('bad_request', faultsOf(parsed.error))
    const { source, target, speech } = parsed.data
    return { status: 200, body: await explain({ source, target, speech: speech === '1' }) }
  } catch (error) {
    const told = toWireError(error)
    return { status: STATUS[told.code] ?? 500, body: { error: told } }
  }
}

/** Listens and answers the address to show. */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve())
  })
  const bound = server.address()
  return urlOf(typeof bound === 'object' ? bound : null, host)
}

const urlOf = (bound: AddressInfo | null, host: string): string => {
  const name = host.includes(':') ? `[${host}]` : host
  return `http://${name}:${bound?.port ?? ''}`
}
