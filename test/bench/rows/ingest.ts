import type { LoadPart } from '../part.ts'
import type { SpeakOptions, Spoken } from '../parts/speak.ts'
import type { Context, Measured, Row } from '../row.ts'
import { cpuMsOf } from '../stage.ts'
import { median, quantile } from '../statistics.ts'
import { each, inTurns, ratioOf } from '../turns.ts'

const SESSIONS = 300
const LOAD = `${SESSIONS} sessions x 10 chunks/s`

/** What a chunk costs the gateway, against Socket.IO that receives the same frames. */
export const ingest: Row = {
  name: 'ingest',
  quick: true,
  async measure({ full, stage, tell }: Context): Promise<Measured> {
    const receiver = async (stores: boolean) => {
      const part = stage.load('receiver')
      return { raw: true, pid: part.pid, url: await part.ask<string>('open', { stores }) }
    }
    const scheduler = await stage.scheduler()
    // Sessions are granted only where somebody serves their languages.
    await stage.node('n1')
    const speak = stage.load('speak')
    const sides = {
      bare: await receiver(false),
      storing: await receiver(true),
      system: { raw: false, pid: scheduler.pid, url: scheduler.url },
    }
    const forMs = full ? 8000 : 4500
    const runs = await inTurns(sides, { rounds: full ? 5 : 3, tell }, ({ pid, url, raw }) =>
      costOf(pid, speak, { url, raw, sessions: SESSIONS, forMs }),
    )
    const cost = each(runs, ({ us }) => us)
    const { bare, storing, system } = cost
    const ackMs = median(runs.system.map((run) => run.ackMs))
    const shown = { system: shownUs(system), unit: 'x', better: 'less' } as const
    return {
      figures: [
        {
          ...{ id: 'ingest', what: `chunk ingest: CPU per chunk in the gateway, ${LOAD}` },
          ...{ ...shown, floor: shownUs(storing), score: ratioOf({ floor: storing, system }) },
          ...{ must: 1.6, aim: 1.25 },
          notes: [
            'floor: Socket.IO, one plain APPEND for each chunk, and acknowledgements at the same pace',
            `acknowledged within ${ackMs.toFixed(0)} ms (p99); the pacing of acks is 100 ms of it`,
          ],
        },
        {
          ...{ id: 'ingest_bare', what: 'the same, against Socket.IO that stores nothing' },
          ...{ ...shown, floor: shownUs(bare), score: ratioOf({ floor: bare, system }) },
          notes: [
            `one APPEND and the acknowledgements alone are ${ratioOf({ floor: bare, system: storing }).median.toFixed(2)}x of it`,
          ],
        },
      ],
    }
  },
}

const shownUs = (values: readonly number[]): string => `${median(values).toFixed(0)} us`

/** CPU time of the receiving process for each chunk, us, and the p99 of the acknowledgements, ms. */
async function costOf(
  pid: number,
  speak: LoadPart,
  { forMs, ...options }: SpeakOptions & { readonly forMs: number },
): Promise<{ us: number; ackMs: number }> {
  await speak.ask('open', options)
  const before = await cpuMsOf(pid)
  const { chunks, ackMs, refused } = await speak.ask<Spoken>('speak', { forMs })
  if (refused > 0) throw new Error(`the audio of ${refused} sessions was refused`)
  const us = ((await cpuMsOf(pid)) - before) * (1000 / chunks)
  await speak.ask('close')
  return { us, ackMs: quantile(ackMs, 0.99) }
}
