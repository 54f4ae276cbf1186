import type { LoadPart } from '../part.ts'
import type { Run } from '../parts/talk.ts'
import type { Said } from '../parts/talkers.ts'
import type { Context, Figure, Measured, Row } from '../row.ts'
import { cpuMsOf, redisPid } from '../stage.ts'
import { median, quantile } from '../statistics.ts'
import { each, inTurns, ratioOf, type Sides } from '../turns.ts'

/** What somebody speaks to, and the processes it is made of. */
interface Side {
  readonly talk: LoadPart
  readonly url: string
  readonly raw: boolean
  readonly pids: Readonly<Record<string, number>>
}

const IN_FLIGHT = 64
/** Between two utterances of an idle system, ms: the audio is stored by then. */
const REST_MS = 8

/** An utterance from the client and back, against plain BullMQ that promises nothing. */
export const utterance: Row = {
  name: 'utterance',
  quick: true,
  async measure(context: Context): Promise<Measured> {
    const sides = await openSides(context)
    const idle = await measureIdle(context, sides)
    return { figures: [...idle, ...(await measureBusy(context, sides))] }
  },
}

/** Beside the floor and LinguaMQ: the same way through BullMQ, without anything that keeps a promise. */
interface All extends Sides<Side> {
  readonly bare: Side
}

async function openSides({ stage }: Context): Promise<All> {
  const redis = await redisPid(stage)
  const rawGateway = stage.load('raw-gateway')
  const rawNode = stage.load('raw-node')
  const url = await rawGateway.ask<string>('open')
  await rawNode.ask('open', { concurrency: IN_FLIGHT })
  const bareGateway = stage.load('bare-gateway')
  const bareNode = stage.load('bare-node')
  const bareUrl = await bareGateway.ask<string>('open')
  await bareNode.ask('open', { concurrency: IN_FLIGHT })
  const scheduler = await stage.scheduler()
  const node = await stage.node('n1')
  const talk = stage.load('talk')
  const client = talk.pid
  return {
    floor: {
      ...{ talk, url, raw: true },
      pids: { gateway: rawGateway.pid, node: rawNode.pid, redis, client },
    },
    bare: {
      ...{ talk, url: bareUrl, raw: false },
      pids: { gateway: bareGateway.pid, node: bareNode.pid, redis, client },
    },
    system: {
      ...{ talk, url: scheduler.url, raw: false },
      pids: { gateway: scheduler.pid, node: node.pid, redis, client },
    },
  }
}

async function talking<T>(side: Side, talkers: number, work: () => Promise<T>): Promise<T> {
  await side.talk.ask('open', { url: side.url, raw: side.raw, talkers })
  try {
    return await work()
  } finally {
    await side.talk.ask('close')
  }
}

async function measureIdle(
  { full, tell }: Context,
  { floor, system }: Sides<Side>,
): Promise<Figure[]> {
  const sides = { floor, system }
  const [rounds, count] = full ? [7, 300] : [5, 120]
  const runs = await inTurns(sides, { rounds, tell: (line) => tell(`idle: ${line}`) }, (side) =>
    talking(side, 1, () => side.talk.ask<Run>('idle', { count, restMs: REST_MS })),
  )
  const at = (q: number, of: keyof Said): Sides<number[]> =>
    each(runs, ({ said }) =>
      quantile(
        said.map((one) => one[of]),
        q,
      ),
    )
  const [p50, p99] = [at(0.5, 'tookMs'), at(0.99, 'tookMs')]
  const [dispatch, back] = [at(0.5, 'dispatchMs'), at(0.5, 'returnMs')]
  return [
    {
      ...{ id: 'idle', what: 'utterance end to end, idle: p50', unit: 'x', better: 'less' },
      ...{ floor: ms(p50.floor), system: ms(p50.system), must: 2.8, aim: 2, score: ratioOf(p50) },
      notes: [
        'commit at the client to result at the client; floor: emit, `add`, worker, `completed`, emit',
        `p99: floor ${ms(p99.floor)}, LinguaMQ ${ms(p99.system)}`,
      ],
    },
    {
      ...{ id: 'dispatch', what: "dispatch, idle: commit to the node's processor, p50", unit: 'x' },
      ...{ floor: ms(dispatch.floor), system: ms(dispatch.system), better: 'less' },
      ...{ must: 3, aim: 2, score: ratioOf(dispatch), notes: [] },
    },
    {
      ...{ id: 'completion', what: "the node's return to the result at the client, idle: p50" },
      ...{ floor: ms(back.floor), system: ms(back.system), unit: 'x', better: 'less' },
      ...{ must: 2.8, score: ratioOf(back) },
      notes: ['floor: `QueueEvents` in the gateway and a bare emit'],
    },
  ]
}

const ms = (values: readonly number[]): string => `${median(values).toFixed(2)} ms`

async function measureBusy({ full, tell }: Context, sides: All): Promise<Figure[]> {
  const [rounds, forMs] = full ? [7, 5000] : [5, 2500]
  const runs = await inTurns(sides, { rounds, tell: (line) => tell(`busy: ${line}`) }, (side) =>
    talking(side, IN_FLIGHT, async () => {
      const before = await cpuOf(side)
      const run = await side.talk.ask<Run>('flatOut', { forMs })
      const after = await cpuOf(side)
      const count = run.said.length
      const cpu = after.map(({ name, used }, i) => ({
        name,
        each: (used - (before[i]?.used ?? 0)) / count,
      }))
      return { perSecond: (count * 1000) / run.ms, cpu }
    }),
  )
  const { floor, bare, system } = each(runs, ({ perSecond }) => perSecond)
  const shown = (values: readonly number[]): string => `${Math.round(median(values))}/s`
  return [
    {
      ...{ id: 'busy', what: `the same, ${IN_FLIGHT} in flight: utterances/s`, unit: 'x' },
      ...{ floor: shown(floor), system: shown(system), better: 'more' },
      score: ratioOf({ floor, system }),
      notes: [
        `CPU per utterance, floor: ${cpuText(runs.floor)}`,
        `CPU per utterance, LinguaMQ: ${cpuText(runs.system)}`,
      ],
    },
    {
      ...{ id: 'busy_bare', what: 'the same, against the same way without a promise', unit: 'x' },
      ...{ floor: shown(bare), system: shown(system), better: 'more' },
      ...{ must: 0.5, aim: 0.75, score: ratioOf({ floor: bare, system }) },
      notes: [
        'floor: the same messages, audio through Redis, a parent and a child in BullMQ; no script, check or order',
        `that alone is ${ratioOf({ floor, system: bare }).median.toFixed(2)}x of plain BullMQ`,
        `CPU per utterance: ${cpuText(runs.bare)}`,
      ],
    },
  ]
}

type Cpu = readonly { readonly name: string; readonly each: number }[]

const cpuText = (runs: readonly { readonly cpu: Cpu }[]): string =>
  (runs[0]?.cpu ?? [])
    .map(({ name }, i) => `${name} ${ms(runs.map(({ cpu }) => cpu[i]?.each ?? NaN))}`)
    .join(', ')

const cpuOf = ({ pids }: Side): Promise<{ name: string; used: number }[]> =>
  Promise.all(Object.entries(pids).map(async ([name, pid]) => ({ name, used: await cpuMsOf(pid) })))
