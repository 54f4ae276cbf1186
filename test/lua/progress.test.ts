import { sessionId } from '../../src/protocol/ids.ts'
import { expect, test, type Rooms } from './rooms.ts'

async function placed(rooms: Rooms) {
  const session = await rooms.begin()
  await rooms.ready('a')
  await rooms.ready('b')
  const { n } = await rooms.place(session, 0)
  const tell = (over: object = {}) =>
    rooms.progress.progress({
      session,
      index: 0,
      attempt: n,
      stage: 'started',
      budgetMs: 10_000,
      ...over,
    })
  return { session, n, tell }
}

test('each stage is told to the gateway with its text, told again if asked again', async ({
  rooms,
}) => {
  const { tell } = await placed(rooms)
  const news = await rooms.hear()
  expect(await tell()).toBe('told')
  const spoken = { stage: 'transcribed', text: 'two  words' }
  expect([await tell(spoken), await tell(spoken)]).toEqual(['told', 'told'])
  const heard = { kind: 'progress', attempt: 'u_s_0.1' }
  await expect
    .poll(() => news)
    .toEqual([
      { ...heard, stage: 'started', text: '' },
      { ...heard, ...spoken },
      { ...heard, ...spoken },
    ])
})

test('each stage moves the deadline on from now', async ({ rooms }) => {
  const { tell } = await placed(rooms)
  await tell()
  await rooms.pass(9000)
  await tell({ stage: 'transcribed' })
  expect((await rooms.pass(9500)).overdue).toEqual([])
  expect((await rooms.pass(500)).overdue).toEqual(['u_s_0.1'])
})

test('nothing of an attempt that was superseded, or never was, passes', async ({ rooms }) => {
  const { session, tell } = await placed(rooms)
  await rooms.place(session, 0, { ended: 1 })
  const news = await rooms.hear()
  expect(await tell()).toBe('superseded')
  expect(await tell({ attempt: 3 })).toBe('superseded')
  expect(await tell({ index: 9 })).toBe('superseded')
  expect(await tell({ session: sessionId('nobody') })).toBe('superseded')
  expect(await tell({ attempt: 2 })).toBe('told')
  await expect.poll(() => news).toMatchObject([{ attempt: 'u_s_0.2' }])
})

test('nothing passes after the attempt has ended, though no other has begun', async ({ rooms }) => {
  const { session, tell } = await placed(rooms)
  await rooms.place(session, 0, { ended: 1, code: 'engine_busy' })
  await rooms.route(session, 0, { ended: 2, code: 'engine_busy' })
  expect(await tell({ attempt: 2 })).toBe('superseded')
})

test('nothing passes after the outcome, nor moves a deadline', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const { session, n, tell } = await placed(rooms)
  await rooms.settle(session, 0, n)
  const news = await rooms.hear()
  expect(await tell()).toBe('settled')
  expect(await tell({ attempt: 9 })).toBe('settled')
  expect(await control.zcard(keys.deadlines)).toBe(0)
  await rooms.settle(session, 1)
  await expect.poll(() => news).toMatchObject([{ kind: 'wake', session }])
})
