import type { LoadPart } from '../part.ts'
import type { SpeakOptions, Spoken } from '../parts/speak.ts'
import type { Context, Measured, Row } from '../row.ts'
import { cpuMsOf } from '../stage.ts'
import { median, quantile, spreadOf } from '../statistics.ts'

const SESSIONS = 300

/** What a chunk costs the gateway, against Socket.IO that receives the same frames and forgets them. */
export const ingest: Row = {
  name: 'ingest',
  quick: true,
  async measure({ full, stage, tell }: Context): Promise<Measured> {
    const receiver = stage.load('receiver')
    const scheduler = await stage.scheduler()
    await stage.node('n1')
    const speak = stage.load('speak')
    const sides = [
      { raw: true, pid: receiver.pid, url: await receiver.ask<string>('open') },
      { raw: false, pid: scheduler.pid, url: scheduler.url },
    ] as const
    const rounds = full ? 7 : 3
    const forMs = full ? 8000 : 5000
    const usPerChunk = { floor: [] as number[], system: [] as number[] }
    const acks: number[] = []
    for (let round = -1; round < rounds; round++) {
      tell(round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`)
      for (const { raw, pid, url } of sides) {
        const { us, spoken } = await costOf(pid, speak, { raw, url, sessions: SESSIONS, forMs })
        if (round < 0) continue
        usPerChunk[raw ? 'floor' : 'system'].push(us)
        if (!raw) acks.push(quantile(spoken.ackMs, 0.99))
      }
    }
    const { floor, system } = usPerChunk
    const shown = (values: readonly number[]): string => `${median(values).toFixed(0)} us`
    return {
      figures: [
        {
          id: 'ingest',
          what: `chunk ingest: CPU per chunk in the gateway, ${SESSIONS} sessions x 10 chunks/s`,
          floor: shown(floor),
          system: shown(system),
          score: spreadOf(system.map((value, i) => value / (floor[i] ?? NaN))),
          ...{ unit: 'x', better: 'less', must: 1.6, aim: 1.25 },
          notes: [
            'floor: bare Socket.IO receives the same frames, stores and acknowledges nothing',
            `acknowledged within ${median(acks).toFixed(0)} ms (p99; the pacing of acks adds up to 100 ms)`,
          ],
        },
      ],
    }
  },
}

/** CPU time of the receiving process for each chunk, us. */
async function costOf(
  pid: number,
  speak: LoadPart,
  { forMs, ...options }: SpeakOptions & { readonly forMs: number },
): Promise<{ us: number; spoken: Spoken }> {
  await speak.ask('open', options)
  const before = await cpuMsOf(pid)
  const spoken = await speak.ask<Spoken>('speak', { forMs })
  const us = ((await cpuMsOf(pid)) - before) * (1000 / spoken.chunks)
  await speak.ask('close')
  return { us, spoken }
}
