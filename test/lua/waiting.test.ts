import { createPromote } from '../../src/routing/promote.ts'
import { openQueues } from '../../src/platform/queues.ts'
import { createLog } from '../../src/platform/log.ts'
import { jobId, nodeId, type SessionId } from '../../src/protocol/ids.ts'
import { describeNode, expect, test, type Rooms } from './rooms.ts'

const OUTCOME = '{"outcome":"translated"}'
const speaksTo = (...targets: string[]) => ({
  capacity: 1,
  languages: {
    ...{ recognize: ['en'], synthesize: [] },
    translate: targets.map((target): [string, string] => ['en', target]),
  },
})

/** A node that holds all it may, indices 0-2, and a line of so many behind it, a millisecond apart. */
async function buildLine(rooms: Rooms, count: number) {
  const session = await rooms.begin()
  const life = await rooms.ready('a', { capacity: 1 })
  for (const index of [0, 1, 2]) await rooms.place(session, index)
  for (let index = 3; index < 3 + count; index += 1) {
    rooms.time.now += 1
    expect((await rooms.route(session, index)).kind).toBe('no_node')
  }
  return { session, life }
}

const settle = async (rooms: Rooms, session: SessionId, index: number) =>
  (await rooms.completion.settle({ session, index, attempt: 1, outcome: OUTCOME })).waiting

test('a settled utterance calls the oldest in line, and nobody overtakes it', async ({ rooms }) => {
  const { session } = await buildLine(rooms, 3)
  expect(await settle(rooms, session, 0)).toEqual(['u_s_3'])
  expect(await rooms.route(session, 5)).toMatchObject({ kind: 'no_node' })
  expect(await rooms.route(session, 99)).toMatchObject({ kind: 'no_node' })
  expect(await rooms.place(session, 3)).toMatchObject({ node: 'a' })
  expect(await settle(rooms, session, 1)).toEqual(['u_s_4'])
})

test('as many are called as there are free slots, no more', async ({ rooms }) => {
  const { session, life } = await buildLine(rooms, 8)
  expect((await rooms.tick()).waiting).toEqual([])
  await settle(rooms, session, 0)
  expect(await settle(rooms, session, 1)).toEqual(['u_s_3', 'u_s_4'])
  expect((await rooms.tick()).waiting).toEqual(['u_s_3', 'u_s_4'])
  await rooms.ready('b', { capacity: 1 })
  expect((await rooms.tick()).waiting).toEqual([3, 4, 5, 6, 7].map((index) => `u_s_${index}`))
  expect(await rooms.held(life)).toBe(1)
})

test('a place in line is kept over repeats of the question, and given up with the attempt', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  const { session } = await buildLine(rooms, 2)
  const line = () => control.zrange(keys.waitingFor('en>es'), '0', '-1', 'WITHSCORES')
  const before = await line()
  rooms.time.now += 1000
  await rooms.route(session, 3)
  expect(await line()).toEqual(before)
  for (const index of [0, 1]) await settle(rooms, session, index)
  for (const index of [3, 4]) await rooms.place(session, index)
  expect(await line()).toEqual([])
  expect(await control.smembers(keys.waiting)).toEqual([])
})

test('an utterance that is settled or gone leaves the line', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const { session } = await buildLine(rooms, 3)
  const line = () => control.zrange(keys.waitingFor('en>es'), '0', '-1')
  await rooms.settle(session, 3)
  expect(await line()).toEqual(['u_s_4', 'u_s_5'])
  await control.hset(keys.outcomes(session), 4, OUTCOME)
  expect(await rooms.route(session, 4)).toEqual({ kind: 'settled' })
  expect(await line()).toEqual(['u_s_5'])
  await control.del(keys.session(session))
  expect(await rooms.route(session, 5)).toEqual({ kind: 'unknown_session' })
  expect(await control.smembers(keys.waiting)).toEqual([])
})

test('those whose time is up are asked again though nothing is free', async ({ rooms }) => {
  await buildLine(rooms, 2)
  expect((await rooms.pass(7900)).waiting).toEqual([])
  expect((await rooms.pass(200)).waiting).toEqual(['u_s_3', 'u_s_4'])
})

test('a job that vanished from its queue holds nobody up', async ({
  rooms,
  store,
  onTestFinished,
}) => {
  const { control, keys } = store
  const queues = openQueues(control, keys.prefix, createLog('silent', 'test'))
  onTestFinished(() => queues.close())
  const promote = createPromote({ control, keys, queues })
  const { session } = await buildLine(rooms, 2)
  const called = await settle(rooms, session, 0)
  expect(called).toEqual(['u_s_3'])
  await promote(called)
  expect((await rooms.tick()).waiting).toEqual(['u_s_4'])
})

test('a slot of a node is offered to the oldest that it serves, in whatever line', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  await rooms.ready('both', speaksTo('es', 'fr'))
  await rooms.ready('italian', speaksTo('it'))
  for (const index of [0, 1, 2]) await rooms.place(session, index)
  for (const index of [3, 4, 5]) await rooms.place(session, index, { pairs: ['en>it'] })
  for (const [i, pair] of ['en>it', 'en>fr', 'en>es', 'en>it'].entries()) {
    rooms.time.now += 1
    await rooms.route(session, 6 + i, { pairs: [pair] })
  }
  expect(await settle(rooms, session, 0)).toEqual(['u_s_7'])
  expect(await settle(rooms, session, 3)).toEqual(['u_s_6'])
  expect(await settle(rooms, session, 1)).toEqual(['u_s_7', 'u_s_8'])
})

test('lines of different pairs go by what each can be served with', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  const pairs = { es: ['en>es'], fr: ['en>fr'], it: ['en>it'] }
  await rooms.ready('both', speaksTo('es', 'fr'))
  for (const index of [0, 1, 2]) await rooms.place(session, index)
  await rooms.route(session, 3, { pairs: pairs.fr })
  rooms.time.now += 1
  await rooms.route(session, 4, { pairs: pairs.es })
  await rooms.route(session, 5, { pairs: pairs.it })
  expect((await control.smembers(keys.waiting)).toSorted()).toEqual(['en>es', 'en>fr', 'en>it'])
  expect(await settle(rooms, session, 0)).toEqual(['u_s_3'])
  expect(await settle(rooms, session, 1)).toEqual(['u_s_3', 'u_s_4'])
  expect((await rooms.tick()).waiting.toSorted()).toEqual(['u_s_3', 'u_s_4'])
  await rooms.ready('italian', speaksTo('it'))
  expect((await rooms.tick()).waiting).toContain('u_s_5')
  expect(await rooms.place(session, 5, { pairs: pairs.it })).toMatchObject({ node: 'italian' })
})

test('auto waits for who goes every way, not for who goes one', async ({ rooms }) => {
  const session = await rooms.begin()
  const pairs = ['en>es', 'ca>es']
  await rooms.ready('one')
  expect(await rooms.route(session, 0, { pairs })).toMatchObject({ kind: 'no_node' })
  expect((await rooms.tick()).waiting).toEqual([])
  await rooms.ready('both', {
    languages: {
      ...describeNode('').languages,
      recognize: ['en', 'ca'],
      translate: [
        ['en', 'es'],
        ['ca', 'es'],
      ],
    },
  })
  expect((await rooms.tick()).waiting).toEqual(['u_s_0'])
  expect(await rooms.place(session, 0, { pairs })).toMatchObject({ node: 'both' })
})

test('a node that lacks an engine is out for this pair and a minute, and is counted', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  await rooms.ready('a', speaksTo('es', 'fr'))
  await rooms.place(session, 0)
  expect(await rooms.route(session, 0, { ended: 1, code: 'engine_missing' })).toEqual({
    kind: 'no_node',
    sinceMs: 0,
    excluded: { full: 0, unable: 1 },
  })
  expect(await rooms.record(session, 0)).not.toHaveProperty('errors')
  expect(await rooms.place(session, 1, { pairs: ['en>fr'] })).toMatchObject({ node: 'a' })
  const mark = keys.unable(nodeId('a'), 'en>es')
  expect(await control.pttl(mark)).toBeGreaterThan(59_000)
  await control.del(mark)
  await rooms.pass(250)
  expect(await rooms.place(session, 0, { ended: 1 })).toMatchObject({ node: 'a', n: 2 })
  expect(await control.exists(keys.attempt(jobId(session, 0)))).toBe(1)
})
