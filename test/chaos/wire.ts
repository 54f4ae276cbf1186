import { AsyncLocalStorage } from 'node:async_hooks'
import { Manager } from 'socket.io-client'
import type { Result } from '../../src/protocol/events.ts'
import type { History } from './history.ts'

/** A client as the wire knows it: its session's id is there once it was granted. */
export interface OnWire {
  readonly history: History
  session: string | undefined
}

const speaking = new AsyncLocalStorage<OnWire>()

/** Runs `dial` so that all sockets that come of it, now or at a reconnect, are known to be this one's. */
export const asClient = <T>(client: OnWire, dial: () => T): T => speaking.run(client, dial)

/**
 * Has noted, in each client's own history, what the client library has no event for: acknowledgements, and
 * results before it drops repeats. Answers how to undo it.
 */
export function tapWire(): () => void {
  // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
  const open = Manager.prototype.socket
  Manager.prototype.socket = function (...args) {
    const socket = open.apply(this, args)
    const client = speaking.getStore()
    socket.onAny((event: string, payload: unknown) => {
      const { session, history } = client ?? {}
      if (session === undefined || !history) return
      if (event === 'audio.ack') history.note({ kind: 'acked', session, ...(payload as Ack) })
      if (event === 'result')
        history.note({ kind: 'emitted', session, result: withoutSpeech(payload as Result) })
    })
    socket.onAnyOutgoing((event: string, payload: unknown) => {
      const { session, history } = client ?? {}
      if (session !== undefined && event === 'result.ack')
        history?.note({ kind: 'confirmed', session, ...(payload as { seq: number }) })
    })
    return socket
  }
  return () => {
    Manager.prototype.socket = open
  }
}

interface Ack {
  readonly chunk: number
}

/** The bytes of speech are of no interest to a history. */
export function withoutSpeech(result: Result): Result {
  if (result.kind === 'gap') return result
  const { speech: _, ...rest } = result
  return rest
}
