import type { LoadPart } from '../part.ts'
import type { SpeakOptions, Spoken } from '../parts/speak.ts'
import type { Context, Measured, Row } from '../row.ts'
import { cpuMsOf } from '../stage.ts'
import { median, quantile } from '../statistics.ts'
import { each, inTurns, ratioOf } from '../turns.ts'

const SESSIONS = 300

/** What a chunk costs the gateway, against Socket.IO that receives the same frames and forgets them. */
export const ingest: Row = {
  name: 'ingest',
  quick: true,
  async measure({ full, stage, tell }: Context): Promise<Measured> {
    const receiver = stage.load('receiver')
    const scheduler = await stage.scheduler()
    // Sessions are granted only where somebody serves their languages.
    await stage.node('n1')
    const speak = stage.load('speak')
    const sides = {
      floor: { raw: true, pid: receiver.pid, url: await receiver.ask<string>('open') },
      system: { raw: false, pid: scheduler.pid, url: scheduler.url },
    }
    const forMs = full ? 8000 : 4500
    const runs = await inTurns(sides, { rounds: full ? 5 : 3, tell }, ({ pid, url, raw }) =>
      costOf(pid, speak, { url, raw, sessions: SESSIONS, forMs }),
    )
    await receiver.ask('store')
    tell('storing alone')
    const stored: number[] = []
    for (let round = 0; round < (full ? 3 : 2); round++) {
      const { pid, url, raw } = sides.floor
      stored.push((await costOf(pid, speak, { url, raw, sessions: SESSIONS, forMs })).us)
    }
    const cost = each(runs, ({ us }) => us)
    const shown = (values: readonly number[]): string => `${median(values).toFixed(0)} us`
    const ackMs = median(runs.system.map((run) => run.ackMs))
    return {
      figures: [
        {
          id: 'ingest',
          what: `chunk ingest: CPU per chunk in the gateway, ${SESSIONS} sessions x 10 chunks/s`,
          ...{ floor: shown(cost.floor), system: shown(cost.system), score: ratioOf(cost) },
          ...{ unit: 'x', better: 'less', must: 1.6, aim: 1.25 },
          notes: [
            'floor: bare Socket.IO receives the same frames, stores and acknowledges nothing',
            `the floor that also stores each chunk, by a plain APPEND: ${shown(stored)}`,
            `acknowledged within ${ackMs.toFixed(0)} ms (p99); the pacing of acks is 100 ms of it`,
          ],
        },
      ],
    }
  },
}

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
