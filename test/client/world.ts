import { once } from 'node:events'
import { createServer } from 'node:net'
import { test as base, vi } from 'vitest'
import type { Session, SessionEvents } from '../../src/client/client.ts'
import {
  openTinyGateway,
  type Mischief,
  type SessionRecord,
  type TinyGateway,
} from './tiny-gateway.ts'

export const PAIR = { source: 'en', target: 'es' } as const
export const CHUNK_BYTES = 3_200

export interface World {
  readonly sessions: Map<string, SessionRecord>
  gateway(mischief?: Mischief): Promise<TinyGateway>
  /** A url where nobody listens. */
  nowhere(): Promise<string>
  close(): Promise<void>
}

function createWorld(): World {
  const sessions = new Map<string, SessionRecord>()
  const gateways: TinyGateway[] = []
  return {
    sessions,
    async gateway(mischief) {
      const gateway = await openTinyGateway(sessions, mischief)
      gateways.push(gateway)
      return gateway
    },
    nowhere: closedPort,
    async close() {
      await Promise.all(gateways.map((gateway) => gateway.close()))
    },
  }
}

async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

/** Gateways that share sessions. Backoff is jitter: without it a test waits for nothing. */
export const test = base.extend('world', ({}, { onCleanup }) => {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0)
  const world = createWorld()
  onCleanup(async () => {
    random.mockRestore()
    await world.close()
  })
  return world
})

export const noise = (bytes: number, from = 0): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => ((from + i) * 31 + (i >> 7)) & 0xff)

export const next = <E extends keyof SessionEvents>(
  session: Session,
  event: E,
): Promise<SessionEvents[E]> =>
  new Promise((resolve) => {
    const off = session.on(event, (payload) => {
      off()
      resolve(payload)
    })
  })

export const only = (world: World): SessionRecord => {
  const [session] = world.sessions.values()
  if (!session) throw new Error('no session was started')
  return session
}
