import { gatewayId, sessionId, type SessionId } from '../../src/protocol/ids.ts'
import { expect, fiftyTimes, HOUR, SETTLE, tally, test, TICK, type Rooms } from './rooms.ts'

const WINDOW_MS = TICK.resumeWindowMs
const AGAIN_MS = 2000
const take = (rooms: Rooms, session: SessionId) =>
  rooms.session.takeOrphan({ session, windowMs: WINDOW_MS, againMs: AGAIN_MS })
const resume = (rooms: Rooms, session: SessionId) =>
  rooms.session.resumeSession({
    ...{ session, gateway: gatewayId('g2'), subject: 'me' },
    ...{ tokenHash: 't1', nextTokenHash: 't2' },
  })
const close = (rooms: Rooms, session: SessionId, epoch: number) =>
  rooms.session.closeSession({
    ...{ session, epoch, lastIndex: undefined, state: 'closed', reason: 'abandoned' },
    lifeMs: SETTLE.sessionLifeMs,
  })

test('a session is an orphan once nobody has attended it for its window', async ({ rooms }) => {
  const session = await rooms.begin()
  expect((await rooms.pass(WINDOW_MS - 1)).orphans).toEqual([])
  expect(await take(rooms, session)).toEqual({ kind: 'attended' })
  expect((await rooms.pass(1)).orphans).toEqual([session])
})

test('an orphan is taken under a new epoch, with what it asked for', async ({ rooms }) => {
  const session = await rooms.begin()
  const news = await rooms.hear()
  await rooms.pass(WINDOW_MS)
  const epoch = rooms.time.now
  expect(await take(rooms, session)).toEqual({ kind: 'taken', epoch, request: '{}', taken: 0 })
  await expect.poll(() => news).toEqual([{ kind: 'superseded', session, epoch }])
  const touched = rooms.session.touchSession({ session, epoch: 1, lifeMs: 600_000, isUsed: true })
  expect(await touched).toBe('superseded')
})

test('fifty watches that find one orphan take it once', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.pass(WINDOW_MS)
  await rooms.store.control.script('FLUSH')
  const answers = await fiftyTimes(() => take(rooms, session))
  expect(tally(answers.map(({ kind }) => kind))).toEqual({ taken: 1, attended: 49 })
})

test('an orphan that was taken and not closed is one again, soon', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.pass(WINDOW_MS)
  await take(rooms, session)
  expect((await rooms.pass(AGAIN_MS - 1)).orphans).toEqual([])
  expect((await rooms.pass(1)).orphans).toEqual([session])
  const second = await take(rooms, session)
  expect(second.kind === 'taken' && (await close(rooms, session, second.epoch))).toBe('closed')
  expect((await rooms.pass(WINDOW_MS)).orphans).toEqual([])
})

test('a client that comes back first keeps its session', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.pass(WINDOW_MS)
  await resume(rooms, session)
  expect(await take(rooms, session)).toEqual({ kind: 'attended' })
})

test('a client that comes back second gets its session, and the watch closes nothing', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  await rooms.pass(WINDOW_MS)
  const taken = await take(rooms, session)
  expect(await resume(rooms, session)).toMatchObject({ kind: 'resumed', state: 'open' })
  expect(taken.kind === 'taken' && (await close(rooms, session, taken.epoch))).toBe('superseded')
  expect((await rooms.pass(WINDOW_MS - 1)).orphans).toEqual([])
})

test('of fifty watches and a client that race, either way one holds the session', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  await rooms.pass(WINDOW_MS)
  const answers = await fiftyTimes(async (i) => {
    const answer = i === 25 ? await resume(rooms, session) : await take(rooms, session)
    return answer.kind === 'resumed' || answer.kind === 'taken' ? answer.epoch : 0
  })
  const held = Math.max(...answers)
  expect(answers[25]).toBe(held)
  const touch = { session, epoch: held, lifeMs: 600_000, isUsed: true }
  expect(await rooms.session.touchSession(touch)).toBe('touched')
})

test('an orphan whose keys have expired is listed no longer', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  await rooms.pass(WINDOW_MS)
  await control.del(keys.session(session))
  expect(await take(rooms, session)).toEqual({ kind: 'unknown_session' })
  expect(await take(rooms, session)).toEqual({ kind: 'attended' })
  expect(await control.zcard(keys.sessions)).toBe(0)
})

test("a poisoned orphan stands in nobody else's way", async ({ rooms }) => {
  const { control, keys } = rooms.store
  const bad = await rooms.begin('bad')
  const good = await rooms.begin('good')
  await control.set(keys.session(bad), 'not a hash')
  await rooms.pass(WINDOW_MS)
  const one = { ...TICK, limit: 1 }
  expect((await rooms.fleet.tickWatch(one)).orphans).toEqual([bad])
  await expect(take(rooms, bad)).rejects.toThrow('WRONGTYPE')
  expect((await rooms.fleet.tickWatch(one)).orphans).toEqual([good])
})

test('an outage of any length makes nobody an orphan', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.tick()
  rooms.time.now += HOUR
  expect(await take(rooms, session)).toEqual({ kind: 'attended' })
  expect((await rooms.tick()).orphans).toEqual([])
})

test('of many orphans a tick names those that wait longest, no more than it is asked for', async ({
  rooms,
}) => {
  for (let i = 0; i < 5; i += 1) {
    await rooms.begin(`s${i}`)
    rooms.time.now += 1
  }
  await rooms.pass(WINDOW_MS)
  const { orphans } = await rooms.fleet.tickWatch({ ...TICK, limit: 3 })
  expect(orphans).toEqual(['s0', 's1', 's2'].map(sessionId))
})
