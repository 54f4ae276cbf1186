import { expect, test } from '../support/store.ts'
import { openRoom } from './room.ts'

const SPEECH = Buffer.alloc(3200, 7)

test('a pause cut whose answer was lost is enqueued in the end, once', async ({ store }) => {
  const { start, jobs, clock, loseAnswer } = openRoom(store)
  const { session } = await start({ mode: 'gap' })
  await session.append(0, SPEECH)
  clock.at += 600
  loseAnswer()
  await expect(session.tick()).rejects.toThrow('timed out')
  await session.tick()
  clock.at += 10_000
  await session.tick()
  expect([...jobs.keys()]).toEqual([0])
})

test('a commit whose answer was lost is enqueued when it is repeated', async ({ store }) => {
  const { start, jobs, loseAnswer } = openRoom(store)
  const { session } = await start({ mode: 'gap' })
  await session.append(0, SPEECH)
  loseAnswer()
  await expect(session.commit(0)).rejects.toThrow('timed out')
  expect(await session.commit(0)).toBe(0)
  expect([...jobs.keys()]).toEqual([0])
})

test('a step that failed is not tried again before its time', async ({ store }) => {
  const { start, clock, loseAnswer } = openRoom(store)
  const { session } = await start({ mode: 'gap' })
  await session.append(0, SPEECH)
  clock.at += 600
  loseAnswer()
  await expect(session.tick()).rejects.toThrow('timed out')
  expect(session.isDue).toBe(false)
  expect(session.dueAt).toBe(850)
  clock.at = 850
  expect(session.isDue).toBe(true)
})
