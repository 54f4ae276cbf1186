import { once } from 'node:events'
import { createServer } from 'node:http'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { AckPacer } from '../../../src/gateway/ack-pacer.ts'
import { NAMESPACE } from '../../../src/protocol/events.ts'
import { serveQuestions } from '../part.ts'

/**
 * The floors of ingest. Socket.IO receives the same frames and does nothing with them; or it does what
 * nobody can do without who loses no audio: one write for each chunk, and acknowledgements.
 */
async function open({ stores }: { stores: boolean }): Promise<string> {
  const redis = stores ? new Redis(process.env['REDIS_URL'] ?? '') : undefined
  const http = createServer()
  const io = new Server(http, { transports: ['websocket'], serveClient: false })
  io.of(NAMESPACE).on('connection', (socket) => {
    const pacer = new AckPacer((chunk) => void socket.emit('audio.ack', { chunk }))
    socket.on('audio.append', (chunk: number, bytes: Buffer) => {
      void redis?.append(socket.id, bytes).then(() => pacer.stored(chunk))
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const address = http.address()
  return typeof address === 'object' ? `http://127.0.0.1:${address?.port}` : ''
}

serveQuestions({ open })
