import { setTimeout as pause } from 'node:timers/promises'
import type { LoadPart } from '../part.ts'
import type { Run } from '../parts/talk.ts'
import type { Context, Curve, Figure, Measured, Row } from '../row.ts'
import type { SystemPart } from '../stage.ts'
import { median, spreadOf } from '../statistics.ts'

/** One speaker alone may say no more: twice real time, and a burst. */
const PER_SECOND = 25
const FOR_MS = 6000
/** What has just been started takes the machine for itself. */
const SETTLE_MS = 2000
const NODES = [1, 10, 100] as const
const SESSIONS = [1, 100, 1000] as const
/** Nodes in one process, at most. */
const TOGETHER = 25

/** End to end at one total rate, with more nodes and with more sessions. */
export const growth: Row = {
  name: 'growth',
  quick: false,
  async measure(context: Context): Promise<Measured> {
    const { url } = await context.stage.scheduler()
    const talk = context.stage.load('talk')
    const nodes = await overNodes(context, talk, url)
    const sessions = await overSessions(context, talk, url)
    return {
      figures: [figureOf('nodes', nodes), figureOf('sessions', sessions)],
      curves: [curveOf('nodes', nodes), curveOf('sessions', sessions)],
    }
  },
}

interface Point {
  readonly x: number
  /** p50 of each round, ms. */
  readonly ms: number[]
}

async function overNodes({ stage, tell }: Context, talk: LoadPart, url: string): Promise<Point[]> {
  const points = NODES.map((x): Point => ({ x, ms: [] }))
  for (let round = 0; round < 3; round++)
    for (const { x, ms } of points) {
      tell(`round ${round + 1}: ${x} nodes`)
      const parts: SystemPart[] = []
      for (let left = x; left > 0; left -= TOGETHER)
        parts.push(
          await stage.node(`n${round}-${left}`, { BENCH_NODES: `${Math.min(left, TOGETHER)}` }),
        )
      await pause(SETTLE_MS)
      ms.push(await p50(talk, url, 20))
      await Promise.all(parts.map((part) => part.stop()))
    }
  return points
}

async function overSessions({ stage, tell }: Context, talk: LoadPart, url: string) {
  const points = SESSIONS.map((x): Point => ({ x, ms: [] }))
  const node = await stage.node('n')
  for (let round = 0; round < 3; round++)
    for (const { x, ms } of points) {
      tell(`round ${round + 1}: ${x} sessions`)
      ms.push(await p50(talk, url, x))
    }
  await node.stop()
  return points
}

async function p50(talk: LoadPart, url: string, talkers: number): Promise<number> {
  await talk.ask('open', { url, raw: false, talkers })
  await talk.ask<Run>('steady', { perSecond: PER_SECOND, forMs: 2000 })
  const { said } = await talk.ask<Run>('steady', { perSecond: PER_SECOND, forMs: FOR_MS })
  await talk.ask('close')
  return median(said.map(({ tookMs }) => tookMs))
}

function figureOf(what: 'nodes' | 'sessions', points: readonly Point[]): Figure {
  const [one, most] = [points[0], points.at(-1)]
  const shown = (point: Point | undefined): string => `${median(point?.ms ?? []).toFixed(2)} ms`
  return {
    id: `growth-${what}`,
    what: `end to end with ${most?.x} ${what}, against 1: p50`,
    ...{ floor: shown(one), system: shown(most), unit: 'x', better: 'less', must: 1.5, aim: 1.1 },
    score: spreadOf((most?.ms ?? []).map((value, i) => value / (one?.ms[i] ?? NaN))),
    notes: [`${PER_SECOND} utterances/s in all`],
  }
}

const curveOf = (what: 'nodes' | 'sessions', points: readonly Point[]): Curve => ({
  ...{ id: `growth-${what}`, title: 'end to end', of: what, unit: 'ms' },
  points: points.map(({ x, ms }) => ({ x, y: spreadOf(ms) })),
})
