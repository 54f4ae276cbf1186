import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { sharedNow } from '../clock.ts'
import { serveQuestions } from '../part.ts'
import { CHILDREN, PREFIX, tell, type BareJob, type BareResult } from './bare.ts'

/** The worker of the bare way: reads the audio, tells its stages, and has nothing to do between them. */
async function open({ concurrency }: { concurrency: number }): Promise<void> {
  const redis = new Redis(process.env['REDIS_URL'] ?? '', { maxRetriesPerRequest: null })
  const worker = new Worker<BareJob, BareResult>(
    CHILDREN,
    async ({ data: { id, index, key, bytes } }) => {
      const transcript = String(sharedNow())
      await Promise.all([
        redis.getrangeBuffer(key, 0, bytes - 1),
        tell(redis, { id, index, stage: 'started' }),
      ])
      for (const stage of ['transcribed', 'translated'] as const)
        void tell(redis, { id, index, stage })
      return { transcript, translation: String(sharedNow()) }
    },
    { connection: redis, prefix: PREFIX, concurrency, drainDelay: 1 },
  )
  worker.on('error', (error) => console.error(error))
  await worker.waitUntilReady()
}

serveQuestions({ open })
