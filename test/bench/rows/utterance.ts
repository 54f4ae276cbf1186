import type { Context, Figure, Measured, Row } from '../row.ts'
import { cpuMsOf, redisPid } from '../stage.ts'
import { median, quantile, spreadOf, type Spread } from '../statistics.ts'
import type { LoadPart } from '../part.ts'
import type { Run } from '../parts/talk.ts'

/** One side of the comparison: who speaks to it, and the processes it is made of. */
interface Side {
  readonly talk: LoadPart
  readonly url: string
  readonly raw: boolean
  readonly processes: Readonly<Record<string, number>>
}

const IN_FLIGHT = 64

/** An utterance from the client and back, against plain BullMQ with nothing promised. */
export const utterance: Row = {
  name: 'utterance',
  quick: true,
  async measure(context) {
    const sides = await openSides(context)
    const idle = await measureIdle(context, sides)
    const busy = await measureBusy(context, sides)
    return { figures: [...idle, ...busy] } satisfies Measured
  },
}

interface Sides {
  readonly raw: Side
  readonly system: Side
}

async function openSides({ stage }: Context): Promise<Sides> {
  const redis = await redisPid(stage)
  const rawGateway = stage.load('raw-gateway')
  const rawNode = stage.load('raw-node')
  const rawUrl = await rawGateway.ask<string>('open')
  await rawNode.ask('open', { concurrency: IN_FLIGHT })
  const scheduler = await stage.scheduler()
  const node = await stage.node('n1')
  const talk = stage.load('talk')
  return {
    raw: {
      ...{ talk, url: rawUrl, raw: true },
      processes: { redis, gateway: rawGateway.pid, node: rawNode.pid, client: talk.pid },
    },
    system: {
      ...{ talk, url: scheduler.url, raw: false },
      processes: { redis, gateway: scheduler.pid, node: node.pid, client: talk.pid },
    },
  }
}

async function talking<T>(side: Side, talkers: number, work: () => Promise<T>): Promise<T> {
  const { url, raw } = side
  await side.talk.ask('open', { url, raw, talkers })
  try {
    return await work()
  } finally {
    await side.talk.ask('close')
  }
}

const REST_MS = 8

async function measureIdle({ full, tell }: Context, sides: Sides): Promise<Figure[]> {
  const rounds = full ? 9 : 5
  const count = full ? 300 : 120
  const took: Rounds = { raw: [], system: [] }
  const dispatch: Rounds = { raw: [], system: [] }
  const p99: Rounds = { raw: [], system: [] }
  for (let round = -1; round < rounds; round++) {
    tell(round < 0 ? 'idle: warming up' : `idle: round ${round + 1} of ${rounds}`)
    for (const name of ['raw', 'system'] as const) {
      const side = sides[name]
      const { said } = await talking(side, 1, () =>
        side.talk.ask<Run>('idle', { count, restMs: REST_MS }),
      )
      if (round < 0) continue
      took[name].push(median(said.map(({ tookMs }) => tookMs)))
      p99[name].push(
        quantile(
          said.map(({ tookMs }) => tookMs),
          0.99,
        ),
      )
      dispatch[name].push(median(said.map(({ dispatchMs }) => dispatchMs)))
    }
  }
  const shown = (values: readonly number[]): string => `${median(values).toFixed(2)} ms`
  return [
    {
      ...{ id: 'idle', what: 'utterance end to end, idle: p50', unit: 'x', better: 'less' },
      ...{ floor: shown(took.raw), system: shown(took.system), must: 2.8, aim: 2 },
      score: ratioOf(took),
      notes: [
        'commit at the client to result at the client; floor: emit, `add`, worker, `completed`, emit',
        `p99: floor ${shown(p99.raw)}, LinguaMQ ${shown(p99.system)}`,
      ],
    },
    {
      ...{ id: 'dispatch', what: "dispatch: commit to the node's processor", unit: 'x' },
      ...{ floor: shown(dispatch.raw), system: shown(dispatch.system), better: 'less' },
      ...{ must: 3, aim: 2, score: ratioOf(dispatch), notes: [] },
    },
  ]
}

async function measureBusy({ full, tell }: Context, sides: Sides): Promise<Figure[]> {
  const rounds = full ? 9 : 5
  const forMs = full ? 5000 : 2500
  const rate: Rounds = { raw: [], system: [] }
  const cpu: Record<keyof Sides, Record<string, number>[]> = { raw: [], system: [] }
  for (let round = -1; round < rounds; round++) {
    tell(round < 0 ? 'busy: warming up' : `busy: round ${round + 1} of ${rounds}`)
    for (const name of ['raw', 'system'] as const) {
      const side = sides[name]
      const { run, used } = await talking(side, IN_FLIGHT, async () => {
        const before = await cpuOf(side)
        const run = await side.talk.ask<Run>('flatOut', { forMs })
        return { run, used: perUtterance(before, await cpuOf(side), run.said.length) }
      })
      if (round < 0) continue
      rate[name].push((run.said.length * 1000) / run.ms)
      cpu[name].push(used)
    }
  }
  const shown = (values: readonly number[]): string => `${Math.round(median(values))}/s`
  return [
    {
      ...{ id: 'busy', what: `the same, ${IN_FLIGHT} in flight: utterances/s`, unit: 'x' },
      ...{ floor: shown(rate.raw), system: shown(rate.system), better: 'more' },
      ...{ must: 0.25, aim: 0.45, score: ratioOf(rate) },
      notes: [
        `CPU per utterance: floor ${cpuText(cpu.raw)}`,
        `CPU per utterance: LinguaMQ ${cpuText(cpu.system)}`,
      ],
    },
  ]
}

type Rounds = Record<keyof Sides, number[]>

/** Round by round: what ran next to each other met the same machine. */
const ratioOf = ({ raw, system }: Rounds): Spread =>
  spreadOf(system.map((value, i) => value / (raw[i] ?? NaN)))

async function cpuOf({ processes }: Side): Promise<Record<string, number>> {
  const used = Object.entries(processes).map(async ([name, pid]) => [name, await cpuMsOf(pid)])
  return Object.fromEntries(await Promise.all(used))
}

const perUtterance = (
  before: Record<string, number>,
  after: Record<string, number>,
  count: number,
): Record<string, number> =>
  Object.fromEntries(
    Object.entries(after).map(([name, ms]) => [name, (ms - (before[name] ?? 0)) / count]),
  )

function cpuText(rounds: readonly Record<string, number>[]): string {
  const names = Object.keys(rounds[0] ?? {})
  return names
    .map((name) => `${name} ${median(rounds.map((each) => each[name] ?? NaN)).toFixed(2)} ms`)
    .join(', ')
}
