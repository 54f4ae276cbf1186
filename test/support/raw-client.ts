import { io, type Socket } from 'socket.io-client'
import type { WireError } from '../../src/protocol/codes.ts'
import {
  NAMESPACE,
  type Answer,
  type ClientEvents,
  type Finalized,
  type Result,
  type ServerEvents,
  type SessionGrant,
  type StartRequest,
} from '../../src/protocol/events.ts'

type Told = WireError & { readonly fatal: boolean }
type Advice = Parameters<ServerEvents['session.backpressure']>[0]

export const START: StartRequest = {
  source: 'en',
  target: 'es',
  endpointing: { mode: 'manual' },
}

/** A client that does nothing by itself: what it was told is noted, in order. */
export class RawClient {
  readonly socket: Socket<ServerEvents, ClientEvents>
  readonly errors: Told[] = []
  readonly advice: Advice[] = []
  readonly finalized: Finalized[] = []
  readonly results: Result[] = []
  readonly goaways: number[] = []
  closed: string | undefined
  acked = -1
  readonly #looks = new Set<() => void>()

  constructor(url: string, token?: string) {
    this.socket = io(new URL(NAMESPACE, url).href, {
      auth: token === undefined ? {} : { token },
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
    })
    const note = <T>(list: T[]) => {
      return (payload: T): void => void list.push(payload)
    }
    this.socket.on('session.error', note(this.errors))
    this.socket.on('session.backpressure', note(this.advice))
    this.socket.on('utterance.finalized', note(this.finalized))
    this.socket.on('result', note(this.results))
    this.socket.on('session.goaway', ({ graceMs }) => void this.goaways.push(graceMs))
    this.socket.on('session.closed', ({ reason }) => void (this.closed = reason))
    this.socket.on('audio.ack', ({ chunk }) => void (this.acked = chunk))
    // It hears of an event before the others do.
    this.socket.onAny(() => queueMicrotask(() => this.#look()))
    for (const event of ['connect', 'disconnect'] as const)
      this.socket.on(event, () => this.#look())
  }

  start(request: unknown = START): Promise<Answer<{ session: SessionGrant; replayed: number }>> {
    return this.ask('session.start', request)
  }

  /** Starts, or throws. */
  async grant(request: unknown = START): Promise<SessionGrant> {
    const answer = await this.start(request)
    if (!answer.ok) throw new Error(JSON.stringify(answer))
    return answer.session
  }

  ask<T extends object>(event: keyof ClientEvents, payload: unknown = {}): Promise<Answer<T>> {
    const emit = this.socket.emitWithAck.bind(this.socket) as (
      ...args: readonly unknown[]
    ) => Promise<Answer<T>>
    return emit(event, payload)
  }

  append(chunk: number, bytes: Uint8Array): void {
    this.socket.emit('audio.append', chunk, bytes)
  }

  /** Resolves with the first value that is found, now or after something was told. */
  until<T>(find: () => T | undefined | false): Promise<T> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = find()
        if (found === undefined || found === false) return
        this.#looks.delete(look)
        resolve(found)
      }
      this.#looks.add(look)
      look()
    })
  }

  leave(): void {
    this.socket.disconnect()
  }

  #look(): void {
    for (const look of this.#looks) look()
  }
}
