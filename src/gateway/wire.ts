import type { Socket } from 'socket.io'
import { LIMITS } from '../platform/limits.ts'
import type { ClientEvents, ServerEvents } from '../protocol/events.ts'

export type ClientSocket = Socket<ClientEvents, ServerEvents>

/** Sends one event to the client; nothing if its socket is gone. */
export type Emit = <Event extends keyof ServerEvents>(
  event: Event,
  ...payload: Parameters<ServerEvents[Event]>
) => void

export interface Wire {
  readonly emit: Emit
  /** Resolves when the client has taken in what was sent; undefined while it keeps up. */
  drained(): Promise<void> | undefined
  /** Reads nothing from the client for a moment, and while `isBusy`: what it sends stays with it. */
  hold(isBusy: () => boolean): void
  /** Ends the connection, behind what was sent. */
  leave(): void
}

/** Results on their way to a client that does not read: what is behind them stays in Redis. */
const MOST_UNREAD = 32

export function createWire(socket: ClientSocket): Wire {
  const { conn } = socket
  const { socket: stream } = conn.request
  let unread = 0
  let held = false
  const release = (isBusy: () => boolean): void => {
    if (isBusy() && !stream.destroyed) {
      setTimeout(release, LIMITS.holdMs, isBusy)
      return
    }
    held = false
    stream.resume()
  }
  conn.on('drain', () => {
    unread = 0
  })
  return {
    emit: (event, ...payload) => void socket.emit(event, ...payload),
    hold(isBusy) {
      if (held) return
      held = true
      stream.pause()
      setTimeout(release, LIMITS.holdMs, isBusy)
    },
    leave: () => void socket.disconnect(true),
    drained() {
      unread += 1
      if (unread < MOST_UNREAD || conn.transport.writable) return undefined
      return new Promise((resolve) => {
        const done = (): void => {
          conn.off('drain', done)
          conn.off('close', done)
          resolve()
        }
        conn.on('drain', done)
        conn.on('close', done)
      })
    },
  }
}
