import { createResults } from '../../src/completion/results.ts'
import { createAudioStore } from '../../src/platform/audio.ts'
import { createLog } from '../../src/platform/log.ts'
import { expect, test } from '../lua/rooms.ts'

test('what was put is taken as it is if it comes next, else Redis is asked', async ({ rooms }) => {
  const { store, outbox } = rooms
  const audio = createAudioStore(store.audio, store.audioKeys)
  const results = createResults({ outbox, audio, log: createLog('silent', 'test') })
  const session = await rooms.begin()
  for (const index of [0, 1, 2]) await rooms.settle(session, index)
  const put = (seq: number) => ({
    ...{ seq, index: seq - 1, late: false },
    outcome: JSON.stringify({ outcome: 'empty', startMs: 0, audioMs: 1, attempts: 1 }),
  })
  const read = async (from: number, told: number) =>
    (await results.read(session, from, put(told))).map(({ result }) => result)
  expect(await read(0, 1)).toMatchObject([{ seq: 1, outcome: 'empty' }])
  const translated = { outcome: 'translated' }
  expect(await read(0, 3)).toMatchObject([
    { seq: 1, ...translated },
    { seq: 2, ...translated },
    { seq: 3, ...translated },
  ])
  expect(await read(2, 2)).toMatchObject([{ seq: 3, ...translated }])
  expect(await read(3, 3)).toEqual([])
})
