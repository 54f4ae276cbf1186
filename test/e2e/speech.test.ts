import { createHash } from 'node:crypto'
import type { Finalized } from '../../src/protocol/events.ts'
import { converse, RATE } from '../session/conversation.ts'
import { listen } from '../support/listen.ts'
import { lacks } from '../support/real-engines.ts'
import { expect, test } from '../support/test.ts'

const BYTES_PER_MS = (RATE / 1000) * 2
const CHUNK = 100 * BYTES_PER_MS

test.skipIf(lacks('recordings')).for(['light', 'silero'] as const)(
  'one continuous recording comes back as one result for each sentence (%s)',
  { timeout: 60_000 },
  async (vad, { world }) => {
    const scheduler = await world.scheduler()
    await world.node()
    const { pcm, ends } = converse(3, undefined, 1)
    const session = await world.client(scheduler, {
      endpointing: { mode: 'vad', vad, pauseMs: 400 },
    })
    const heard = listen(session)
    const cuts: Finalized[] = []
    session.on('finalized', (cut) => void cuts.push(cut))
    for (let at = 0; at < pcm.length; at += CHUNK) session.append(pcm.subarray(at, at + CHUNK))
    const results = await heard.finals(ends.length)
    await session.close()
    expect(cuts.map(({ reason }) => reason)).toEqual(ends.map(() => 'pause'))
    for (const [i, { startMs, durationMs }] of cuts.entries()) {
      expect(startMs).toBeGreaterThan(ends[i - 1] ?? 0)
      expect(startMs + durationMs).toBeGreaterThan(ends[i] ?? 0)
      const said = pcm.subarray(startMs * BYTES_PER_MS, (startMs + durationMs) * BYTES_PER_MS)
      const sum = createHash('sha256').update(said).digest('hex')
      expect(results[i]).toMatchObject({ outcome: 'translated', transcript: `sha256:${sum}` })
    }
  },
)
