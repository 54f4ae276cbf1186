import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { createWire, type ClientSocket } from '../../src/gateway/wire.ts'

/** As much of a socket as the wire looks at: an engine that takes no more until it says `drain`. */
function createSocket() {
  const conn = Object.assign(new EventEmitter(), { transport: { writable: false } })
  const socket = { conn, emit: () => true } as unknown as ClientSocket
  return { conn, socket }
}

/** Answers the promise of the first call that had to wait. */
function fill(wire: ReturnType<typeof createWire>): Promise<void> {
  for (;;) {
    const drained = wire.drained()
    if (drained) return drained
  }
}

test('a client that is slow again and again leaves no listener behind', async () => {
  const { conn, socket } = createSocket()
  const wire = createWire(socket)
  const before = { drain: conn.listenerCount('drain'), close: conn.listenerCount('close') }
  for (let i = 0; i < 20; i += 1) {
    const drained = fill(wire)
    conn.emit('drain')
    await drained
  }
  expect({ drain: conn.listenerCount('drain'), close: conn.listenerCount('close') }).toEqual(before)
})

test('a slow client whose socket closes holds nobody up', async () => {
  const { conn, socket } = createSocket()
  const drained = fill(createWire(socket))
  conn.emit('close')
  await expect(drained).resolves.toBeUndefined()
})
