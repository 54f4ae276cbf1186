import { setTimeout as pause } from 'node:timers/promises'
import { io } from 'socket.io-client'

/** Sessions that send at many times real time, whatever they are told; cut off, they begin anew. */
const { FLOOD_URL, FLOOD_SESSIONS, FLOOD_SPEED, FLOOD_MS } = process.env
const TICK_MS = 100
const CHUNK = Buffer.alloc(3200, 1)
const START = { source: 'en', target: 'es', endpointing: { mode: 'manual' } }
const counts = { sent: 0, refused: 0, cutOff: 0, sessions: 0 }

function open() {
  const socket = io(FLOOD_URL, { transports: ['websocket'], forceNew: true, reconnection: false })
  const flood = { socket, next: 0, ready: false }
  const begin = () =>
    socket.emit('session.start', START, ({ ok }) => {
      if (!ok) return void setTimeout(begin, TICK_MS)
      counts.sessions += 1
      flood.next = 0
      flood.ready = true
    })
  socket.on('connect', begin)
  socket.on('session.error', ({ fatal }) => {
    counts.refused += 1
    if (fatal) counts.cutOff += 1
  })
  socket.on('disconnect', () => {
    flood.ready = false
    socket.connect()
  })
  return flood
}

const floods = Array.from({ length: Number(FLOOD_SESSIONS) }, open)
while (floods.some(({ ready }) => !ready)) await pause(20)
process.send('open')
await new Promise((resolve) => void process.once('message', resolve))
const ends = performance.now() + Number(FLOOD_MS)
while (performance.now() < ends) {
  const tickAt = performance.now()
  for (const flood of floods)
    for (let i = 0; flood.ready && i < Number(FLOOD_SPEED); i += 1) {
      flood.socket.emit('audio.append', flood.next, CHUNK)
      flood.next += 1
      counts.sent += 1
    }
  await pause(Math.max(0, tickAt + TICK_MS - performance.now()))
}
process.send(counts)
process.disconnect()
for (const { socket } of floods) {
  socket.off('disconnect')
  socket.disconnect()
}
