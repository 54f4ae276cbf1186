import { Redis } from 'ioredis'
import { readRedisUsage, usageBetween, type RedisUsage } from '../../support/redis-usage.ts'
import type { Run } from '../parts/talk.ts'
import type { Spoken } from '../parts/speak.ts'
import type { Context, Figure, Measured, Row } from '../row.ts'
import { median, spreadOf, sum } from '../statistics.ts'

const IN_FLIGHT = 64
const SESSIONS = 100

/** What an utterance and a chunk cost Redis. */
export const redisCost: Row = {
  name: 'redis',
  quick: false,
  async measure(context: Context): Promise<Measured> {
    const { stage } = context
    const { url } = await stage.scheduler()
    await stage.node('n1')
    return {
      figures: [
        await utteranceFigure(context, url, 'busy'),
        await utteranceFigure(context, url, 'idle'),
        await chunkFigure(context, url),
      ],
    }
  },
}

const PREDECESSOR = 'context: the predecessor spent 28-131 ms creating a job, 2-7 ms on a result'

async function utteranceFigure(
  context: Context,
  url: string,
  how: 'busy' | 'idle',
): Promise<Figure> {
  const { stage, tell, full } = context
  const talk = stage.load('talk')
  const talkers = how === 'busy' ? IN_FLIGHT : 1
  await talk.ask('open', { url, raw: false, talkers })
  const say = async (): Promise<number> =>
    how === 'busy'
      ? (await talk.ask<Run>('flatOut', { forMs: 2000 })).said.length
      : (await talk.ask<Run>('idle', { count: 100, restMs: 5 })).said.length
  await say()
  const costs: Cost[] = []
  for (let round = 0; round < (full ? 5 : 3); round++) {
    tell(`utterance, ${how}: round ${round + 1}`)
    costs.push(await costOf(stage.redis, say))
  }
  const direct = await directCommands(stage.redisUrl, say)
  await talk.ask('close')
  const us = costs.map((cost) => timeOf(cost, direct))
  return {
    id: `redis-utterance-${how}`,
    what: `Redis time per utterance, ${how === 'busy' ? `${IN_FLIGHT} in flight` : 'idle'}`,
    ...{ floor: '-', system: `${(median(us) / 1000).toFixed(2)} ms` },
    ...{ score: spreadOf(us.map((each) => each / 1000)), unit: 'ms', better: 'less', aim: 0.5 },
    notes: [describe(costs, direct), ...(how === 'busy' ? [PREDECESSOR] : [])],
  }
}

async function chunkFigure({ stage, tell }: Context, url: string): Promise<Figure> {
  const speak = stage.load('speak')
  await speak.ask('open', { url, raw: false, sessions: SESSIONS })
  const say = async (): Promise<number> =>
    (await speak.ask<Spoken>('speak', { forMs: 2000 })).chunks
  const costs: Cost[] = []
  for (let round = 0; round < 3; round++) {
    tell(`chunk: round ${round + 1}`)
    costs.push(await costOf(stage.redis, say))
  }
  const direct = await directCommands(stage.redisUrl, say)
  await speak.ask('close')
  const us = costs.map((cost) => timeOf(cost, direct))
  return {
    ...{ id: 'redis-chunk', what: 'Redis time per chunk of 100 ms', floor: '-' },
    system: `${median(us).toFixed(0)} us`,
    ...{ score: spreadOf(us), unit: 'us', better: 'less' },
    notes: [describe(costs, direct)],
  }
}

interface Cost {
  readonly count: number
  readonly usage: RedisUsage
}

async function costOf(redis: Redis, work: () => Promise<number>): Promise<Cost> {
  const before = await readRedisUsage(redis)
  const count = await work()
  return { count, usage: usageBetween(before, await readRedisUsage(redis)) }
}

/** Calls by command that came from a client and not from inside a script, for each thing done. */
async function directCommands(
  url: string,
  work: () => Promise<number>,
): Promise<ReadonlyMap<string, number>> {
  const calls = new Map<string, number>()
  const asking = new Redis(url)
  const monitor = await asking.monitor()
  asking.disconnect()
  monitor.on('monitor', (_time: string, [name = '']: string[], source: string) => {
    const command = name.toLowerCase()
    if (source !== 'lua') calls.set(command, (calls.get(command) ?? 0) + 1)
  })
  const count = await work()
  monitor.disconnect()
  return new Map([...calls].map(([name, each]) => [name, each / count]))
}

/** Time of all that clients asked for, us for each thing done: scripts with what is in them, once. */
const timeOf = ({ count, usage }: Cost, direct: ReadonlyMap<string, number>): number =>
  usage.scriptUs / count +
  sum(
    [...direct]
      .filter(([name]) => !name.startsWith('eval'))
      .map(([name, calls]) => {
        const stat = usage.byCommand.get(name)
        return stat ? (calls * stat.us) / stat.calls : 0
      }),
  )

function describe(costs: readonly Cost[], direct: ReadonlyMap<string, number>): string {
  const per = (of: (usage: RedisUsage) => number): number =>
    median(costs.map(({ usage, count }) => of(usage) / count))
  const scripts = per((usage) => usage.scripts)
  const asked = sum([...direct].filter(([name]) => !name.startsWith('eval')).map(([, n]) => n))
  return [
    `${scripts.toFixed(1)} scripts and ${asked.toFixed(1)} other commands`,
    `${per((usage) => usage.commands).toFixed(0)} commands with those inside scripts`,
    `${(per((usage) => usage.bytesIn) / 1000).toFixed(1)} kB in`,
    `${(per((usage) => usage.bytesOut) / 1000).toFixed(1)} kB out`,
    `${(per((usage) => usage.cpuUs) / 1000).toFixed(2)} ms of CPU`,
  ].join(', ')
}
