import { createRestoreScripts } from '../../lua/restore.ts'
import { gatewayId, jobId, sessionId, type SessionId } from '../../src/protocol/ids.ts'
import { UTTERANCES } from '../../src/protocol/jobs.ts'
import { expect, fiftyTimes, GATEWAY, SETTLE, tally, test, type Rooms } from './rooms.ts'

const S = sessionId('s')
const scriptsOf = ({ store, time }: Rooms) =>
  createRestoreScripts({ call: store.call, keys: store.keys, now: () => time.now })
const restore = (rooms: Rooms, over: object = {}) =>
  scriptsOf(rooms).restoreSession({
    ...{ session: S, epoch: 7, gateway: GATEWAY, tokenHash: 't7', subject: 'me' },
    ...{ request: '{"source":"en"}', lifeMs: SETTLE.sessionLifeMs },
    ...over,
  })
const resume = (rooms: Rooms, over: object = {}) =>
  rooms.session.resumeSession({
    ...{ session: S, gateway: gatewayId('g2'), subject: 'me' },
    ...{ tokenHash: 't1', nextTokenHash: 't2', run: 'second' },
    ...over,
  })
const jobKey = ({ store }: Rooms, index: number): string =>
  `${store.keys.prefix}:${UTTERANCES}:${jobId(S, index)}`
const findLost = (rooms: Rooms, index: number, session: SessionId = S) =>
  scriptsOf(rooms).findLost({ session, index })

test('a session that has vanished is written again, and its client can resume it', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  expect(await restore(rooms)).toBe('restored')
  expect(await control.hgetall(keys.session(S))).toMatchObject({ state: 'open', epoch: '7' })
  expect(await control.hgetall(keys.order(S))).toEqual({ head: '0', seq: '0' })
  expect(await control.zscore(keys.sessions, S)).toBe(String(rooms.time.now))
  for (const name of [keys.session(S), keys.order(S)])
    expect(await control.pttl(name), name).toBeGreaterThan(590_000)
  const resumed = await resume(rooms, { tokenHash: 't7' })
  expect(resumed).toMatchObject({ kind: 'resumed', request: '{"source":"en"}' })
})

test('one that came back older gets its epoch and its token back, and keeps its results', async ({
  rooms,
}) => {
  await rooms.begin()
  await rooms.settle(S, 0)
  expect(await restore(rooms)).toBe('restored')
  const { control, keys } = rooms.store
  expect(await control.hgetall(keys.order(S))).toEqual({ head: '1', seq: '1' })
  const touch = { session: S, epoch: 7, lifeMs: 600_000, isUsed: true }
  expect(await rooms.session.touchSession(touch)).toBe('touched')
  expect(await resume(rooms, { tokenHash: 't7' })).toMatchObject({ kind: 'resumed', taken: 1 })
})

test('what another connection has is left alone', async ({ rooms }) => {
  const { control, keys } = rooms.store
  await rooms.begin()
  await resume(rooms)
  const before = await control.hgetall(keys.session(S))
  expect(await restore(rooms)).toBe('superseded')
  expect(await control.hgetall(keys.session(S))).toEqual(before)
})

test('a session that is closed stays so and is not listed', async ({ rooms }) => {
  await rooms.begin()
  const close = { state: 'closed', lastIndex: undefined, reason: 'close' } as const
  await rooms.session.closeSession({ ...close, session: S, epoch: 1, lifeMs: 600_000 })
  expect(await restore(rooms)).toBe('restored')
  const { control, keys } = rooms.store
  expect(await control.hget(keys.session(S), 'state')).toBe('closed')
  expect(await control.zcard(keys.sessions)).toBe(0)
})

test('fifty that restore one session at once, after Redis forgot its scripts, leave one state', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  await restore(rooms)
  const once = await control.hgetall(keys.session(S))
  await control.script('FLUSH')
  const words = await fiftyTimes(() => restore(rooms))
  expect(tally(words)).toEqual({ restored: 50 })
  expect(await control.hgetall(keys.session(S))).toEqual(once)
})

test('an index is lost that has neither an outcome nor a job at work', async ({ rooms }) => {
  const { control } = rooms.store
  await rooms.begin()
  await rooms.settle(S, 0)
  await rooms.settle(S, 2)
  await control.hset(jobKey(rooms, 3), { data: '{}' })
  await control.hset(jobKey(rooms, 4), { data: '{}', finishedOn: 1 })
  expect(await findLost(rooms, 6)).toEqual([1, 4, 5])
  expect(await findLost(rooms, 6)).toEqual([1, 4, 5])
  await rooms.settle(S, 1)
  expect(await findLost(rooms, 4)).toEqual([])
  expect(await findLost(rooms, 0)).toEqual([])
  expect(await findLost(rooms, 2, sessionId('nobody'))).toEqual([0, 1])
})

test('a resume says how many indices are taken: by outcomes, held ones, and jobs', async ({
  rooms,
}) => {
  const { control } = rooms.store
  await rooms.begin()
  const taken = async () => {
    const answer = await resume(rooms, { nextTokenHash: 't1' })
    return answer.kind === 'resumed' && answer.taken
  }
  expect(await taken()).toBe(0)
  await rooms.settle(S, 0)
  expect(await taken()).toBe(1)
  await rooms.settle(S, 2)
  expect(await taken()).toBe(3)
  await control.hset(jobKey(rooms, 3), { data: '{}' })
  await control.hset(jobKey(rooms, 6), { data: '{}' })
  expect(await taken()).toBe(7)
})

test('in the same life of Redis a resume leaves results their numbers', async ({ rooms }) => {
  const { control, keys } = rooms.store
  await rooms.begin()
  await resume(rooms, { nextTokenHash: 't1' })
  for (const index of [0, 1, 2]) await rooms.settle(S, index)
  const before = await control.xrange(keys.outbox(S), '-', '+')
  await resume(rooms, { lastSeq: 1 })
  expect(await control.xrange(keys.outbox(S), '-', '+')).toEqual(before)
})

test('in another life what waits is numbered behind what the client has, and what follows too', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  await rooms.begin()
  for (const index of [0, 1]) await rooms.settle(S, index)
  await resume(rooms, { lastSeq: 5, nextTokenHash: 't1' })
  const told = async () =>
    (await control.xrange(keys.outbox(S), '-', '+')).map(([seq, fields]) => [seq, fields[1]])
  expect(await told()).toEqual([
    ['6-0', '0'],
    ['7-0', '1'],
  ])
  expect(await control.pttl(keys.outbox(S))).toBeGreaterThan(590_000)
  await rooms.settle(S, 2)
  await resume(rooms, { lastSeq: 5 })
  expect((await told()).at(-1)).toEqual(['8-0', '2'])
})

test('in another life in which nothing was lost nothing changes', async ({ rooms }) => {
  const { control, keys } = rooms.store
  await rooms.begin()
  for (const index of [0, 1, 2]) await rooms.settle(S, index)
  await rooms.outbox.ack(S, 1)
  const before = await control.xrange(keys.outbox(S), '-', '+')
  await resume(rooms, { lastSeq: 1 })
  expect(await control.xrange(keys.outbox(S), '-', '+')).toEqual(before)
  expect(await control.hget(keys.order(S), 'seq')).toBe('3')
})

test('in another life without results the next one follows the last that the client has', async ({
  rooms,
}) => {
  await rooms.begin()
  await resume(rooms, { lastSeq: 4 })
  await rooms.settle(S, 0)
  const { control, keys } = rooms.store
  expect((await control.xrange(keys.outbox(S), '-', '+')).map(([seq]) => seq)).toEqual(['5-0'])
})
