import { Worker, type WorkerOptions } from 'bullmq'
import { Redis } from 'ioredis'
import { sharedNow } from '../clock.ts'
import { serveQuestions } from '../part.ts'
import { QUEUE } from './raw.ts'

export interface RawNodeOptions extends Pick<
  WorkerOptions,
  'concurrency' | 'lockDuration' | 'stalledInterval'
> {
  /** Never returns from what it begins. */
  readonly hang?: boolean
}

const began: number[] = []
let seen: () => void = () => {}

/** The floor's worker: does nothing, answers when it began. */
async function open({ hang = false, ...options }: RawNodeOptions): Promise<void> {
  const connection = new Redis(process.env['REDIS_URL'] ?? '', { maxRetriesPerRequest: null })
  const processor = async (): Promise<number> => {
    const at = sharedNow()
    began.push(at)
    seen()
    if (hang) await new Promise(() => {})
    return at
  }
  const worker = new Worker(QUEUE, processor, { connection, ...options })
  worker.on('error', (error) => console.error(error))
  await worker.waitUntilReady()
}

/** Resolves with the instants at which jobs were begun once there are so many. */
const begun = ({ count }: { count: number }): Promise<number[]> =>
  new Promise((resolve) => {
    seen = () => {
      if (began.length >= count) resolve(began)
    }
    seen()
  })

serveQuestions({ open, begun })
