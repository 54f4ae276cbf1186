import { describe } from 'vitest'
import { gatewayId, sessionId } from '../../src/protocol/ids.ts'
import { expect, fiftyTimes, SETTLE, test, type Rooms } from './rooms.ts'

const NOBODY = sessionId('nobody')
const resume = (rooms: Rooms, token: string, over: object = {}) =>
  rooms.session.resumeSession({
    session: sessionId('s'),
    gateway: gatewayId('g2'),
    tokenHash: token,
    nextTokenHash: `after-${token}`,
    subject: 'me',
    ...over,
  })
const touch = (rooms: Rooms, epoch: number, session = sessionId('s')) =>
  rooms.session.touchSession({ session, epoch, lifeMs: SETTLE.sessionLifeMs, isUsed: false })
const use = (rooms: Rooms, epoch: number) =>
  rooms.session.touchSession({
    session: sessionId('s'),
    epoch,
    lifeMs: SETTLE.sessionLifeMs,
    isUsed: true,
  })
const close = (rooms: Rooms, state: 'closing' | 'closed', over: object = {}) =>
  rooms.session.closeSession({
    session: sessionId('s'),
    epoch: 1,
    lastIndex: 4,
    state,
    reason: 'close',
    lifeMs: SETTLE.sessionLifeMs,
    ...over,
  })

test('a started session is open, held under epoch 1 and seen; starting it again changes nothing', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  const first = await control.hgetall(keys.session(session))
  await rooms.begin()
  expect(await control.hgetall(keys.session(session))).toEqual(first)
  expect(first).toMatchObject({ state: 'open', epoch: '1', gateway: 'g', subject: 'me' })
  expect(await control.hgetall(keys.order(session))).toEqual({ head: '0', seq: '0' })
  expect(await control.zscore(keys.sessions, session)).toBe(String(rooms.time.now))
  for (const name of [keys.session(session), keys.order(session)])
    expect(await control.pttl(name), name).toBeGreaterThan(590_000)
})

test('a resume raises the epoch to the instant, hands back what the session is, and is seen', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  rooms.time.now += 7
  expect(await resume(rooms, 't1')).toEqual({
    kind: 'resumed',
    epoch: rooms.time.now,
    state: 'open',
    request: '{}',
    lastIndex: undefined,
    reason: '',
    taken: 0,
  })
  expect(await control.zscore(keys.sessions, session)).toBe(String(rooms.time.now))
})

test('a wrong token or somebody else resumes nothing', async ({ rooms }) => {
  await rooms.begin()
  expect(await resume(rooms, 'guess')).toEqual({ kind: 'rejected' })
  expect(await resume(rooms, 't1', { subject: 'other' })).toEqual({ kind: 'rejected' })
  expect(await resume(rooms, 't1', { session: NOBODY })).toEqual({ kind: 'unknown_session' })
  expect(await touch(rooms, 1)).toBe('touched')
})

test('the token before stays valid until the new connection is used, however long its gateway holds it', async ({
  rooms,
}) => {
  await rooms.begin()
  await resume(rooms, 't1', { nextTokenHash: 't2' })
  const epoch = rooms.time.now + 1
  expect(await touch(rooms, rooms.time.now)).toBe('touched')
  expect(await resume(rooms, 't1', { nextTokenHash: 't3' })).toMatchObject({ epoch })
  expect(await resume(rooms, 't2')).toEqual({ kind: 'rejected' })
  expect(await use(rooms, epoch)).toBe('touched')
  expect(await resume(rooms, 't1')).toEqual({ kind: 'rejected' })
  expect(await resume(rooms, 't3')).toMatchObject({ kind: 'resumed', epoch: epoch + 1 })
})

test('the touch of an old connection is superseded and ends no token', async ({ rooms }) => {
  await rooms.begin()
  await resume(rooms, 't1')
  expect(await touch(rooms, 1)).toBe('superseded')
  expect(await resume(rooms, 't1')).toMatchObject({ kind: 'resumed' })
})

test('fifty resumes at once get fifty epochs, and the last of them holds the session', async ({
  rooms,
}) => {
  await rooms.begin()
  const { now } = rooms.time
  const answers = await fiftyTimes(() => resume(rooms, 't1'))
  const epochs = answers.map((answer) => (answer.kind === 'resumed' ? answer.epoch : 0))
  expect(epochs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => now + i))
  expect(await touch(rooms, now + 48)).toBe('superseded')
  expect(await touch(rooms, now + 49)).toBe('touched')
})

test('a resume tells the gateway of the old connection, once for each', async ({ rooms }) => {
  await rooms.begin()
  const news = await rooms.hear()
  await resume(rooms, 't1')
  await expect
    .poll(() => news)
    .toEqual([{ kind: 'superseded', session: 's', epoch: rooms.time.now }])
})

test('a touch lets every key of the session live on', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  await rooms.settle(session, 1)
  await rooms.settle(session, 0)
  await rooms.settle(session, 3)
  const kinds = ['session', 'order', 'held', 'outcomes', 'outbox', 'dedup'] as const
  const names = kinds.map((kind) => keys[kind](session))
  for (const name of names) await control.pexpire(name, 5000)
  rooms.time.now += 7
  expect(await touch(rooms, 1)).toBe('touched')
  expect(await touch(rooms, 1)).toBe('touched')
  for (const name of names) expect(await control.pttl(name), name).toBeGreaterThan(590_000)
  expect(await control.zscore(keys.sessions, session)).toBe(String(rooms.time.now))
  expect(await touch(rooms, 1, NOBODY)).toBe('unknown_session')
})

test('a closing session is closed by a second call, and repeats answer the same', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  await rooms.begin()
  expect([await close(rooms, 'closing'), await close(rooms, 'closing')]).toEqual([
    'closing',
    'closing',
  ])
  expect(await control.zcard(keys.sessions)).toBe(1)
  expect([await close(rooms, 'closed'), await close(rooms, 'closed')]).toEqual(['closed', 'closed'])
  expect(await control.zcard(keys.sessions)).toBe(0)
  expect(await resume(rooms, 't1')).toMatchObject({ state: 'closed', lastIndex: 4 })
})

test('a session without an utterance closes without a last index', async ({ rooms }) => {
  await rooms.begin()
  await close(rooms, 'closed', { lastIndex: undefined })
  expect(await resume(rooms, 't1')).toMatchObject({ state: 'closed', lastIndex: undefined })
})

test('only the connection that holds a session closes it', async ({ rooms }) => {
  const session = await rooms.begin()
  await resume(rooms, 't1')
  expect(await close(rooms, 'closed')).toBe('superseded')
  expect(await close(rooms, 'closed', { session: NOBODY })).toBe('unknown_session')
  const { control, keys } = rooms.store
  expect(await control.hget(keys.session(session), 'state')).toBe('open')
})

describe('where subjects are limited', () => {
  const start = (rooms: Rooms, name: string, over: object = {}) =>
    rooms.session.startSession({
      ...{ session: sessionId(name), gateway: gatewayId('g'), tokenHash: 't1', request: '{}' },
      ...{ subject: 'me', lifeMs: SETTLE.sessionLifeMs, mostOfSubject: 2 },
      ...over,
    })

  test('a subject gets so many sessions, another one its own', async ({ rooms }) => {
    const { control, keys } = rooms.store
    const words = [await start(rooms, 'a'), await start(rooms, 'b'), await start(rooms, 'c')]
    expect(words).toEqual(['started', 'started', 'too_many_sessions'])
    expect(await control.exists(keys.session(sessionId('c')))).toBe(0)
    expect(await control.zscore(keys.sessions, 'c')).toBeNull()
    expect(await start(rooms, 'b')).toBe('started')
    expect(await start(rooms, 'c', { subject: 'you' })).toBe('started')
    expect(await start(rooms, 'd', { mostOfSubject: undefined })).toBe('started')
    expect(await control.pttl(keys.sessionsOf('me'))).toBeGreaterThan(SETTLE.sessionLifeMs)
  })

  test('one that was closed, or whose keys have expired, counts no more', async ({ rooms }) => {
    const { control, keys } = rooms.store
    await start(rooms, 'a')
    await start(rooms, 'b')
    const closing = {
      session: sessionId('a'),
      epoch: 1,
      lastIndex: undefined,
      reason: 'close',
      lifeMs: 600_000,
    }
    await rooms.session.closeSession({ ...closing, state: 'closing' })
    expect(await start(rooms, 'c')).toBe('too_many_sessions')
    await rooms.session.closeSession({ ...closing, state: 'closed' })
    expect(await start(rooms, 'c')).toBe('started')
    expect(await start(rooms, 'd')).toBe('too_many_sessions')
    await control.del(keys.session(sessionId('b')))
    expect(await start(rooms, 'd')).toBe('started')
    expect((await control.smembers(keys.sessionsOf('me'))).toSorted()).toEqual(['c', 'd'])
  })

  test('fifty starts at once get no more', async ({ rooms }) => {
    let n = 0
    const words = await fiftyTimes(() => start(rooms, `s${(n += 1)}`))
    expect(words.filter((word) => word === 'started')).toHaveLength(2)
  })
})

test('an epoch is never given out again by a Redis that came back older', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  const before = await control.hgetall(keys.session(session))
  const lost = await resume(rooms, 't1')
  await control.hset(keys.session(session), before)
  rooms.time.now += 1
  const again = await resume(rooms, 't1')
  expect(again.kind === 'resumed' && lost.kind === 'resumed' && again.epoch > lost.epoch).toBe(true)
})

test('a closed session lives on as long as its results, and no touch changes that', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  await rooms.settle(session, 0)
  const kinds = ['session', 'order', 'outcomes', 'outbox', 'dedup'] as const
  const names = kinds.map((kind) => keys[kind](session))
  for (const name of names) await control.pexpire(name, 5000)
  await close(rooms, 'closed')
  for (const name of names) expect(await control.pttl(name), name).toBeGreaterThan(590_000)
  for (const name of names) await control.pexpire(name, 5000)
  expect(await touch(rooms, 1)).toBe('closed')
  for (const name of names) expect(await control.pttl(name), name).toBeLessThanOrEqual(5000)
  expect(await control.zcard(keys.sessions)).toBe(0)
})

test('a closed session that is resumed is read and not listed again', async ({ rooms }) => {
  const { control, keys } = rooms.store
  await rooms.begin()
  await close(rooms, 'closed')
  expect(await resume(rooms, 't1')).toMatchObject({ state: 'closed', reason: 'close' })
  expect(await control.zcard(keys.sessions)).toBe(0)
})
