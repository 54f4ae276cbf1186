import { createServer } from 'node:http'
import { once } from 'node:events'
import { Queue, QueueEvents } from 'bullmq'
import { Redis } from 'ioredis'
import { Server, type Socket } from 'socket.io'
import { NAMESPACE } from '../../../src/protocol/events.ts'
import { serveQuestions } from '../part.ts'
import { QUEUE } from './raw.ts'

/** The floor: what a gateway on plain BullMQ does. Add a job, wait for `completed`, emit the result. */
async function open(): Promise<string> {
  const url = process.env['REDIS_URL'] ?? ''
  const queue = new Queue(QUEUE, { connection: new Redis(url, { maxRetriesPerRequest: null }) })
  const events = new QueueEvents(QUEUE, {
    connection: new Redis(url, { maxRetriesPerRequest: null }),
  })
  const waiting = new Map<string, Socket>()
  events.on('completed', ({ jobId, returnvalue }) => {
    waiting.get(jobId)?.emit('result', { beganAt: returnvalue })
    waiting.delete(jobId)
  })
  await events.waitUntilReady()
  const http = createServer()
  const io = new Server(http, { transports: ['websocket'], serveClient: false })
  let added = 0
  io.of(NAMESPACE).on('connection', (socket) => {
    socket.on('commit', (job: object) => {
      added += 1
      const jobId = `raw-${added}`
      waiting.set(jobId, socket)
      queue.add('utterance', job, { jobId }).catch((error: unknown) => {
        throw error
      })
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const address = http.address()
  return typeof address === 'object' ? `http://127.0.0.1:${address?.port}` : ''
}

serveQuestions({ open })
