import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { sharedNow } from '../clock.ts'
import { serveQuestions } from '../part.ts'
import { QUEUE } from './raw.ts'

/** The floor's worker: does nothing, answers when it began. */
async function open({ concurrency }: { concurrency: number }): Promise<void> {
  const connection = new Redis(process.env['REDIS_URL'] ?? '', { maxRetriesPerRequest: null })
  const worker = new Worker(QUEUE, async () => sharedNow(), { connection, concurrency })
  worker.on('error', (error) => console.error(error))
  await worker.waitUntilReady()
}

serveQuestions({ open })
