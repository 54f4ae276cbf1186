import { once } from 'node:events'
import { createServer } from 'node:http'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { NAMESPACE } from '../../../src/protocol/events.ts'
import { serveQuestions } from '../part.ts'

let redis: Redis | undefined

/** The floor of ingest: Socket.IO receives the same frames and does nothing with them. */
async function open(): Promise<string> {
  const http = createServer()
  const io = new Server(http, { transports: ['websocket'], serveClient: false })
  io.of(NAMESPACE).on('connection', (socket) => {
    socket.on('audio.append', (_: number, bytes: Buffer) => void redis?.append(socket.id, bytes))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const address = http.address()
  return typeof address === 'object' ? `http://127.0.0.1:${address?.port}` : ''
}

/** From now on each chunk is stored, and nobody told. */
async function store(): Promise<void> {
  redis = new Redis(process.env['REDIS_URL'] ?? '')
  await redis.ping()
}

serveQuestions({ open, store })
