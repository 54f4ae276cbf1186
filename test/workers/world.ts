import { createLog } from '../../src/platform/log.ts'
import type { ChildJob } from '../../src/protocol/jobs.ts'
import type { ProgressScripts } from '../../lua/completion.ts'
import { Progress } from '../../workers/progress.ts'

const log = createLog('silent', 'test')

/** The first attempt at one second of audio. */
export const JOB: ChildJob = {
  v: 1,
  sessionId: 's',
  index: 3,
  attempt: 1,
  source: 'en',
  target: 'es',
  reason: 'manual',
  audio: { key: 'audio', from: 0, bytes: 32_000, encoding: 'pcm_s16le', sampleRate: 16_000 },
  budgetMs: 10_000,
}

type Told = Parameters<ProgressScripts['progress']>[0]
type Word = Awaited<ReturnType<ProgressScripts['progress']>>

/** Progress of an attempt, what it told, and what it is answered. */
export function follow(job: ChildJob = JOB, outer?: AbortSignal) {
  const told: Told[] = []
  const answer: { next: () => Promise<Word> } = { next: async () => 'told' }
  const scripts: ProgressScripts = {
    progress(step) {
      told.push(step)
      return answer.next()
    },
  }
  return { progress: new Progress({ scripts, log }, job, outer), told, answer }
}
