import { jobId } from '../../src/protocol/ids.ts'
import { expect, test } from './rooms.ts'

test('the slot of an attempt whose record has expired is free after the next beat', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  const life = await rooms.ready('a', { capacity: 1 })
  for (const index of [0, 1, 2]) await rooms.place(session, index)
  await control.del(keys.attempt(jobId(session, 0)))
  expect(await rooms.route(session, 3)).toMatchObject({ kind: 'no_node' })
  await rooms.beat(life)
  expect(await rooms.held(life)).toBe(2)
  expect(await control.zrange(keys.deadlines, '0', '-1')).toEqual(['u_s_1.1', 'u_s_2.1'])
  expect(await rooms.place(session, 3)).toMatchObject({ node: 'a' })
})

test('whatever was left behind is freed beat by beat', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  for (const index of [0, 1, 2, 3]) await rooms.place(session, index)
  for (const index of [0, 1, 2, 3]) await control.del(keys.attempt(jobId(session, index)))
  await rooms.pass(2000)
  expect(await rooms.held(life)).toBe(0)
})

test('a slot whose attempt goes on is kept, however long it takes', async ({ rooms }) => {
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  await rooms.place(session, 0)
  await rooms.pass(60_000)
  expect(await rooms.held(life)).toBe(1)
  await rooms.settle(session, 0, 1)
  expect(await rooms.held(life)).toBe(0)
})
