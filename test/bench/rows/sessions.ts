import type { Spoken } from '../parts/speak.ts'
import type { Context, Measured, Row } from '../row.ts'
import { cpuMsOf } from '../stage.ts'
import { quantile } from '../statistics.ts'

const STEP = 250
const MOST = 4000
const WARM_UP_MS = 3000
const FOR_MS = 5000
const ACK_MS = 250

/** How many people one gateway hears at once before its acknowledgements come late. */
export const sessions: Row = {
  name: 'sessions',
  quick: false,
  async measure({ stage, tell }: Context): Promise<Measured> {
    const scheduler = await stage.scheduler()
    await stage.node('n1')
    let held = 0
    let last = ''
    for (let count = STEP; count <= MOST; count += STEP) {
      const speak = stage.load('speak')
      await speak.ask('open', { url: scheduler.url, sessions: count, raw: false })
      await speak.ask<Spoken>('speak', { forMs: WARM_UP_MS })
      const before = await cpuMsOf(scheduler.pid)
      const { ackMs, lateMs, refused } = await speak.ask<Spoken>('speak', { forMs: FOR_MS })
      const share = ((await cpuMsOf(scheduler.pid)) - before) / FOR_MS
      await speak.stop()
      const [p99, late] = [quantile(ackMs, 0.99), quantile(lateMs, 0.99)]
      last =
        `${count} sessions: acks within ${p99.toFixed(0)} ms (p99), ` +
        `gateway at ${(share * 100).toFixed(0)} % of a core, load late by ${late.toFixed(0)} ms (p99)`
      tell(last)
      if (p99 > ACK_MS || refused > 0) break
      held = count
    }
    return {
      figures: [
        {
          id: 'sessions',
          what: `sessions held by one gateway, acks under ${ACK_MS} ms p99, 10 chunks/s each`,
          ...{ floor: '-', system: String(held), unit: '', better: 'more', aim: 1000 },
          score: { median: held, low: held, high: held },
          notes: [last, 'speakers, gateway and Redis share the two cores of this machine'],
        },
      ],
    }
  },
}
