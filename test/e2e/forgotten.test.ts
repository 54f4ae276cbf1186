import { createRooms } from '../lua/rooms.ts'
import { expect, test } from '../support/test.ts'

test('an overdue attempt without a parent gives its slot back', async ({ world, store }) => {
  const { control, keys } = store
  const rooms = createRooms(store)
  rooms.time.now = Date.now()
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  await rooms.place(session, 0)
  await control.zadd(keys.deadlines, 1, 'u_s_0.1')
  await world.scheduler()
  const held = async (): Promise<number> => {
    rooms.time.now = Date.now()
    await rooms.beat(life)
    return rooms.held(life)
  }
  await expect.poll(held, { timeout: 5000 }).toBe(0)
  expect(await control.zcard(keys.deadlines)).toBe(0)
})
