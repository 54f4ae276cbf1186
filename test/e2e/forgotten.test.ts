import { sessionId } from '../../src/protocol/ids.ts'
import { UTTERANCES } from '../../src/protocol/jobs.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { createRooms } from '../lua/rooms.ts'
import { listen } from '../support/listen.ts'
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

test('an utterance whose session Redis has forgotten waits for it to be written again', async ({
  world,
  store,
}) => {
  const { control, keys } = store
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler)
  const heard = listen(session)
  const key = keys.session(sessionId(session.id))
  const known = await control.hgetall(key)
  await control.del(key)
  session.append(scriptedAudio({ text: 'kept' }))
  await session.commit()
  const delayed = () => control.zcard(`${world.prefix}:${UTTERANCES}:delayed`)
  await expect.poll(delayed, { timeout: 5000 }).toBe(1)
  await control.hset(key, known)
  await control.pexpire(key, 600_000)
  expect(await heard.final(0)).toMatchObject({ outcome: 'translated', transcript: 'kept' })
})
