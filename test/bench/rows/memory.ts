import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { Run } from '../parts/talk.ts'
import type { Context, Figure, Measured, Row } from '../row.ts'
import { openStage, type Stage } from '../stage.ts'

const SESSIONS = 1000
const WAITING = 800
const FEW = 1000
const MANY = 100_000
const IN_FLIGHT = 64
const SETTLE_MS = 3000

/** What sessions and utterances take of memory, and whether it comes back. */
export const memory: Row = {
  name: 'memory',
  quick: false,
  async measure(context: Context): Promise<Measured> {
    return {
      figures: [
        await onStage(context, (stage) => idleSessions(context, stage)),
        await onStage(context, (stage) => waitingUtterances(context, stage)),
        ...(await onStage(context, (stage) => afterMany(context, stage))),
      ],
    }
  },
}

async function onStage<T>({ stage: { ending } }: Context, work: (stage: Stage) => Promise<T>) {
  const stage = await openStage(ending)
  try {
    return await work(stage)
  } finally {
    await stage.close()
  }
}

async function idleSessions({ tell }: Context, stage: Stage): Promise<Figure> {
  const scheduler = await stage.scheduler()
  await stage.node('n1')
  const speak = stage.load('speak')
  // The first ones warm the process up.
  await speak.ask('open', { url: scheduler.url, sessions: 100, raw: false })
  await pause(SETTLE_MS)
  const before = await rssKBOf(scheduler.pid)
  await speak.ask('open', { url: scheduler.url, sessions: SESSIONS, raw: false })
  await pause(SETTLE_MS)
  const each = ((await rssKBOf(scheduler.pid)) - before) / SESSIONS
  tell(`idle session: ${each.toFixed(0)} kB`)
  return plain('memory-session', 'memory of the gateway per idle session', each, 'kB')
}

async function waitingUtterances({ tell }: Context, stage: Stage): Promise<Figure> {
  const { url } = await stage.scheduler({ LINGUA_START_DEADLINE_MS: '60000' })
  const node = await stage.node('n1')
  const talk = stage.load('talk')
  await talk.ask('open', { url, raw: false, talkers: WAITING / 4 })
  await node.stop()
  const before = await redisBytes(stage)
  await talk.ask('leaveWaiting', { count: WAITING })
  const each = ((await redisBytes(stage)) - before) / WAITING / 1024
  tell(`waiting utterance: ${each.toFixed(1)} kB`)
  const note = 'its 100 ms of audio, 3.1 kB, included'
  return plain('memory-waiting', 'memory of Redis per waiting utterance', each, 'kB', note)
}

/** The same sessions all the time: what grows is what is kept of utterances. */
async function afterMany({ tell }: Context, stage: Stage): Promise<Figure[]> {
  const scheduler = await stage.scheduler()
  const node = await stage.node('n1')
  const talk = stage.load('talk')
  const marks: Mark[] = []
  let done = 0
  await talk.ask('open', { url: scheduler.url, raw: false, talkers: IN_FLIGHT })
  for (const mark of [FEW, MANY / 10, MANY / 2, MANY]) {
    while (done < mark) {
      done += (await talk.ask<Run>('flatOut', { forMs: mark === FEW ? 500 : 5000 })).said.length
      tell(`${done} of ${MANY} utterances`)
    }
    await pause(SETTLE_MS)
    marks.push({
      done,
      gateway: (await rssKBOf(scheduler.pid)) / 1024,
      node: (await rssKBOf(node.pid)) / 1024,
      redis: (await redisBytes(stage)) / 2 ** 20,
    })
  }
  const story = (part: 'gateway' | 'node' | 'redis'): string =>
    marks.map((mark) => `${mark[part].toFixed(0)} MB after ${mark.done}`).join(', ')
  return (['gateway', 'node', 'redis'] as const).map((part) => {
    const [few, many] = [marks[0]?.[part] ?? NaN, marks.at(-1)?.[part] ?? NaN]
    return {
      id: `memory-${part}`,
      what: `memory of ${part} after ${MANY} utterances, against ${FEW}`,
      ...{ floor: `${few.toFixed(0)} MB`, system: `${many.toFixed(0)} MB`, unit: 'x' },
      ...{ better: 'less', score: exactly(many / few) },
      notes: [
        story(part),
        ...(part === 'redis' ? ['keeps at most 50,000 finished utterances, for 10 minutes'] : []),
      ],
    }
  })
}

interface Mark {
  readonly done: number
  readonly gateway: number
  readonly node: number
  readonly redis: number
}

const exactly = (value: number) => ({ median: value, low: value, high: value })

const plain = (id: string, what: string, value: number, unit: string, note?: string): Figure => ({
  ...{ id, what, unit, floor: '-', system: `${value.toFixed(1)} ${unit}`, better: 'less' },
  ...{ score: exactly(value), notes: note === undefined ? [] : [note] },
})

async function rssKBOf(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1])
}

async function redisBytes({ redis }: Stage): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1])
}
