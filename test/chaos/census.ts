import { setTimeout as pause } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { createKeys } from '../../lua/keys.ts'
import { UTTERANCES } from '../../src/protocol/jobs.ts'
import type { History } from './history.ts'

const PATIENCE_MS = 30_000
const LOOK_MS = 250
const MOST_NAMES = 20

/** What is still there of work that is over, by what it is. */
type Left = Readonly<Record<string, readonly string[]>>

/**
 * Looks until nothing is left of work that is over: slots, deadlines, heads, fencing, jobs, those
 * that wait for a node, listed sessions and pending cuts. What is left after 30 s is noted; sets of each kind that are empty are too.
 */
export async function takeCensus(
  where: { readonly url: string; readonly audioUrl: string; readonly prefix: string },
  history: History,
): Promise<void> {
  const control = new Redis(where.url)
  const audio = new Redis(where.audioUrl)
  const queue = new Queue(UTTERANCES, { connection: control, prefix: where.prefix })
  try {
    const deadline = Date.now() + PATIENCE_MS
    let left = await look(control, audio, queue, where.prefix)
    while (Object.values(left).some((names) => names.length > 0) && Date.now() < deadline) {
      await pause(LOOK_MS)
      left = await look(control, audio, queue, where.prefix)
    }
    for (const [what, names] of Object.entries(left))
      history.note({ kind: 'left', what, names: names.slice(0, MOST_NAMES) })
  } finally {
    await queue.close()
    control.disconnect()
    audio.disconnect()
  }
}

async function look(control: Redis, audio: Redis, queue: Queue, prefix: string): Promise<Left> {
  const keys = createKeys(prefix)
  const members = (key: string): Promise<string[]> => control.zrange(key, 0, '-1')
  const jobs = await queue.getJobs(
    ['active', 'wait', 'delayed', 'prioritized', 'waiting-children', 'failed'],
    0,
    MOST_NAMES,
  )
  const slots = await keysLike(control, `${prefix}:slots:*`)
  const waiting = await keysLike(control, `${prefix}:waiting:*`)
  const held = await Promise.all(slots.map(async (key) => (await members(key)).map(slotOf(key))))
  return {
    slots: held.flat(),
    deadlines: await members(keys.deadlines),
    heads: await members(keys.heads),
    fencing: await members(keys.fencing),
    sessions: await members(keys.sessions),
    waiting: (await Promise.all(waiting.map(members))).flat(),
    jobs: jobs.map((job) => `${job?.id}`),
    'pending cuts': await pendingCuts(audio, prefix),
  }
}

const slotOf = (key: string) => (attempt: string) => `${key.split(':').at(-1)} ${attempt}`

async function pendingCuts(audio: Redis, prefix: string): Promise<string[]> {
  const base = `${prefix.replaceAll(/[{}]/g, '')}:audio`
  const found: string[] = []
  for (const key of await keysLike(audio, `${base}:{*}`)) {
    if (!key.endsWith('}')) continue
    const fields = await audio.hkeys(key)
    for (const field of fields) if (field.startsWith('cut:')) found.push(`${key} ${field}`)
  }
  return found
}

async function keysLike(redis: Redis, pattern: string): Promise<string[]> {
  const found: string[] = []
  let cursor = '0'
  do {
    const [next, batch] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1000)
    cursor = next
    found.push(...batch)
  } while (cursor !== '0')
  return [...new Set(found)]
}
