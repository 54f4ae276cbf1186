import { listen } from '../support/listen.ts'
import { expect, test } from '../support/test.ts'

const BYTES_PER_MS = 32

test('a pause between chunks ends the utterance in gap mode', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler, { endpointing: { mode: 'gap', pauseMs: 150 } })
  const heard = listen(session)
  const reasons: string[] = []
  session.on('finalized', ({ reason }) => void reasons.push(reason))
  session.append(Buffer.alloc(200 * BYTES_PER_MS, 1))
  await heard.final(0)
  session.append(Buffer.alloc(100 * BYTES_PER_MS, 2))
  await heard.final(1)
  expect(reasons).toEqual(['pause', 'pause'])
})

test('speech without a pause is cut at the longest duration, and what follows says so', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler, {
    endpointing: { mode: 'manual', maxDurationMs: 1000 },
  })
  const heard = listen(session)
  const cuts: unknown[] = []
  session.on('finalized', (cut) => void cuts.push(cut))
  session.append(Buffer.alloc(2500 * BYTES_PER_MS, 1))
  await heard.finals(2)
  await session.commit()
  await heard.finals(3)
  expect(cuts).toEqual([
    { index: 0, reason: 'max_duration', startMs: 0, durationMs: 1000 },
    { index: 1, reason: 'max_duration', startMs: 1000, durationMs: 1000, continues: 0 },
    { index: 2, reason: 'manual', startMs: 2000, durationMs: 500, continues: 1 },
  ])
})
