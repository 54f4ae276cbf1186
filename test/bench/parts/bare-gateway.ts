import { once } from 'node:events'
import { createServer } from 'node:http'
import { Queue, WaitingChildrenError, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { Server, type Socket } from 'socket.io'
import { AckPacer } from '../../../src/gateway/ack-pacer.ts'
import { LIMITS } from '../../../src/platform/limits.ts'
import { NAMESPACE, type ClientEvents, type ServerEvents } from '../../../src/protocol/events.ts'
import { serveQuestions } from '../part.ts'
import { CHILDREN, PARENTS, PREFIX, PROGRESS, tell } from './bare.ts'
import type { BareJob, BareProgress, BareResult } from './bare.ts'

type Client = Socket<ClientEvents, ServerEvents>

const CHILD = { removeOnComplete: { age: 300, count: 200 } }
const PARENT = { removeOnComplete: { age: LIMITS.finishedJobLifeMs / 1000, count: 50_000 } }

/**
 * The bare way: what LinguaMQ does if it is to keep no promise. The same messages to the client, the same audio
 * through Redis, a parent that waits for a child in the queue of a node; no script, no check, no order.
 */
async function open(): Promise<string> {
  const url = process.env['REDIS_URL'] ?? ''
  const connection = new Redis(url, { maxRetriesPerRequest: null })
  const parents = new Queue<BareJob>(PARENTS, { connection, prefix: PREFIX })
  const children = new Queue<BareJob>(CHILDREN, { connection, prefix: PREFIX })
  const clients = new Map<string, { readonly socket: Client; seq: number }>()

  const worker = new Worker<BareJob>(
    PARENTS,
    async (job, token = '') => {
      const { id, index, key } = job.data
      if (job.attemptsStarted === 1) {
        const parent = { id: job.id ?? '', queue: job.queueQualifiedName }
        await children.add('translate', job.data, { ...CHILD, jobId: `${job.id}.1`, parent })
        void tell(connection, { id, index, stage: 'dispatched' })
        if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError()
      }
      const [said] = Object.values(await job.getChildrenValues<BareResult>())
      const client = clients.get(id)
      if (client && said) emitResult(client.socket, { ...said, index, seq: (client.seq += 1) })
      void connection.unlink(key)
    },
    { connection, prefix: PREFIX, concurrency: 200, drainDelay: 1 },
  )
  worker.on('error', (error) => console.error(error))

  const subscriber = new Redis(url, { maxRetriesPerRequest: null })
  await subscriber.subscribe(PROGRESS)
  subscriber.on('message', (_, message: string) => {
    const { id, index, stage }: BareProgress = JSON.parse(message)
    clients.get(id)?.socket.emit('utterance.progress', { index, stage, attempt: 1 })
  })

  const http = createServer()
  const io = new Server<ClientEvents, ServerEvents>(http, {
    transports: ['websocket'],
    serveClient: false,
  })
  io.of(NAMESPACE).on('connection', (socket: Client) => {
    const { id } = socket
    let [index, bytes] = [0, 0]
    const keyOf = (at: number): string => `bare:${id}:${at}`
    const pacer = new AckPacer((chunk) => void socket.emit('audio.ack', { chunk }))
    clients.set(id, { socket, seq: 0 })
    socket.on('disconnect', () => void clients.delete(id))
    socket.on('session.start', (_, answer) => answer(granted(id)))
    socket.on('audio.append', (chunk, pcm) => {
      bytes += pcm.byteLength
      const buffer = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength)
      void connection.append(keyOf(index), buffer).then(() => pacer.stored(chunk))
    })
    socket.on('utterance.commit', (_, answer) => {
      const job: BareJob = { id, index, key: keyOf(index), bytes }
      const finalized = { index, reason: 'manual', startMs: 0, durationMs: 100 } as const
      ;[index, bytes] = [index + 1, 0]
      void parents.add('utterance', job, { ...PARENT, jobId: `u_${id}_${job.index}` }).then(() => {
        socket.emit('utterance.finalized', finalized)
        answer({ ok: true, index: job.index })
      })
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const address = http.address()
  return typeof address === 'object' ? `http://127.0.0.1:${address?.port}` : ''
}

const granted = (id: string) => ({
  ok: true as const,
  replayed: 0,
  session: {
    ...{ id, resumeToken: 'none', nextChunk: 0 },
    limits: { maxChunkBytes: 0, burstMs: 0, maxUnfinished: 0, outboxTtlMs: 0 },
  },
})

const NO_TIME = {
  ...{ audioMs: 100, waitMs: 0, totalMs: 0, nodeMs: 0 },
  ...{ recognizeMs: 0, translateMs: 0, synthesizeMs: 0 },
}

const emitResult = (
  socket: Client,
  { index, seq, ...said }: BareResult & { readonly index: number; readonly seq: number },
): void =>
  void socket.emit('result', {
    ...{ kind: 'final', seq, index, outcome: 'translated', startMs: 0, audioMs: 100 },
    ...said,
    ...{ attempts: 1, timings: NO_TIME },
  })

serveQuestions({ open })
