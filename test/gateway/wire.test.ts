import { EventEmitter } from 'node:events'
import { expect, test, vi } from 'vitest'
import { LIMITS } from '../../src/platform/limits.ts'
import { createWire, type ClientSocket } from '../../src/gateway/wire.ts'

/** As much of a socket as the wire looks at: an engine that takes no more until it says `drain`. */
function createSocket() {
  const stream = { isPaused: false, destroyed: false, pause: () => {}, resume: () => {} }
  stream.pause = () => void (stream.isPaused = true)
  stream.resume = () => void (stream.isPaused = false)
  const conn = Object.assign(new EventEmitter(), {
    transport: { writable: false },
    request: { socket: stream },
  })
  const socket = { conn, emit: () => true } as unknown as ClientSocket
  return { conn, socket, stream }
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

test('a client that is held is read from again after a moment, when nobody is busy any more', () => {
  vi.useFakeTimers()
  try {
    const { socket, stream } = createSocket()
    const wire = createWire(socket)
    let isBusy = true
    wire.hold(() => isBusy)
    wire.hold(() => isBusy)
    vi.advanceTimersByTime(10 * LIMITS.holdMs)
    expect(stream.isPaused).toBe(true)
    isBusy = false
    vi.advanceTimersByTime(LIMITS.holdMs)
    expect(stream.isPaused).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})
