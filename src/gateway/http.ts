import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

export interface HttpDeps {
  readonly registry: Registry
  /** Undefined while this process takes sessions, else the reason why not. */
  readonly unready: () => Promise<string | undefined>
}

/** `/healthz`, `/readyz`, `/metrics`. Socket.IO attaches itself to the same server, in front. */
export function createHttp({ registry, unready }: HttpDeps): Server {
  return createServer((request, response) => {
    const send = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type }).end(body)
    }
    const fail = (): void => send(500, 'internal\n')
    const path = (request.url ?? '/').split('?')[0]
    if (request.method !== 'GET') send(405, 'only GET\n')
    else if (path === '/healthz') send(200, 'ok\n')
    else if (path === '/readyz')
      unready().then((why) => (why ? send(503, `${why}\n`) : send(200, 'ready\n')), fail)
    else if (path === '/metrics')
      registry.metrics().then((text) => send(200, text, registry.contentType), fail)
    else send(404, 'not found\n')
  })
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
