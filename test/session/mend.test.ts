import { expect, test } from '../support/store.ts'
import { openRoom } from './room.ts'

const SPEECH = Buffer.alloc(3200, 7)

test('a cut that stays pending from one touch to the next gets its job once more', async ({
  store,
}) => {
  const { start, touch, added } = openRoom(store)
  const opened = await start({ mode: 'manual' })
  await opened.session.append(0, SPEECH)
  await opened.session.commit(0)
  expect(await touch(opened)).toBe('touched')
  expect(added).toEqual([0])
  await opened.session.append(1, SPEECH)
  await opened.session.commit(1)
  await touch(opened)
  expect(added).toEqual([0, 1, 0])
  await touch(opened)
  expect(added).toEqual([0, 1, 0, 0, 1])
})

test('a pending cut that has its outcome is forgotten and gets no job', async ({ store }) => {
  const { start, touch, resume, added, outcomes } = openRoom(store)
  const opened = await start({ mode: 'manual' })
  for (const chunk of [0, 1]) {
    await opened.session.append(chunk, SPEECH)
    await opened.session.commit(chunk)
  }
  outcomes.add(0)
  await touch(opened)
  await touch(opened)
  expect(added).toEqual([0, 1, 1])
  const hash = store.audioKeys.audio(opened.session.id)
  expect(await store.audio.hexists(hash, 'cut:0')).toBe(0)
  outcomes.add(1)
  const { session } = await resume(opened)
  await session.cuts.repair()
  expect(added).toEqual([0, 1, 1])
  expect(await store.audio.hexists(hash, 'cut:1')).toBe(0)
})

test('the audio of a settled utterance stays for a while: its job may come back', async ({
  store,
}) => {
  const { start, touch, jobs, audioOf, outcomes } = openRoom(store)
  const opened = await start({ mode: 'manual' })
  await opened.session.append(0, SPEECH)
  await opened.session.commit(0)
  outcomes.add(0)
  await touch(opened)
  await touch(opened)
  const [job] = jobs.values()
  expect(job && (await audioOf(job))).toEqual(SPEECH)
  const left = await store.audio.pttl(store.audioKeys.segment(opened.session.id, 0))
  expect(left).toBeGreaterThan(5000)
  expect(left).toBeLessThanOrEqual(10_000)
})

test('the touch of a connection that was superseded mends nothing', async ({ store }) => {
  const { start, touch, resume, added } = openRoom(store)
  const opened = await start({ mode: 'manual' })
  await opened.session.append(0, SPEECH)
  await opened.session.commit(0)
  await touch(opened)
  await resume(opened)
  expect(added).toEqual([0, 0])
  expect(await touch(opened)).toBe('superseded')
  expect(added).toEqual([0, 0])
})
