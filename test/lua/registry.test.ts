import { pairsOf, parseOrder } from '../../lua/fleet.ts'
import { nodeQueue } from '../../lua/keys.ts'
import { nodeId } from '../../src/protocol/ids.ts'
import { describeNode, expect, fiftyTimes, test } from './rooms.ts'

const inMicroseconds = ([seconds, rest]: readonly number[]): number =>
  Number(seconds) * 1_000_000 + Number(rest)

test('a node that registers gets a life, named by the time, and a queue of its own', async ({
  rooms,
}) => {
  const { control } = rooms.store
  const before = await control.time()
  const { incarnation, queue } = await rooms.fleet.registerNode(describeNode('a-b'))
  const after = await control.time()
  const [from, at, to] = [inMicroseconds(before), parseInt(incarnation, 36), inMicroseconds(after)]
  expect(at).toBeGreaterThan(from)
  expect(at).toBeLessThan(to)
  expect(queue).toBe(nodeQueue(nodeId('a-b'), incarnation))
})

test('fifty registrations under one id are fifty lives, of which the last is the node', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  const lives = await fiftyTimes(() => rooms.fleet.registerNode(describeNode('a')))
  expect(new Set(lives.map(({ incarnation }) => incarnation)).size).toBe(50)
  expect(await control.zcard(keys.nodes)).toBe(1)
  const { fencing } = await rooms.tick()
  expect(fencing).toHaveLength(49)
  const last = lives.find(
    ({ incarnation }) => !fencing.some((life) => life.incarnation === incarnation),
  )
  expect(await control.hget(keys.node(nodeId('a')), 'incarnation')).toBe(last?.incarnation)
})

test('a new life fences the older one at once and takes its place', async ({ rooms }) => {
  const session = await rooms.begin()
  const old = await rooms.ready('a')
  const { incarnation } = await rooms.fleet.registerNode(describeNode('a'))
  expect((await rooms.tick()).fencing).toEqual([old])
  expect(await rooms.route(session, 0)).toMatchObject({ kind: 'no_node' })
  expect(await rooms.beat(old)).toEqual({ kind: 'superseded' })
  const life = { node: old.node, incarnation }
  expect(await rooms.beat(life)).toEqual({ kind: 'beat', orders: [] })
  expect(await rooms.route(session, 0)).toMatchObject({ kind: 'node', incarnation })
})

test('a node may come back able to do something else', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  await rooms.ready('a', {
    languages: { recognize: ['en'], translate: [['en', 'fr']], synthesize: [] },
  })
  expect(await rooms.route(session, 0)).toEqual({
    kind: 'no_node',
    sinceMs: 0,
    excluded: { full: 0, unable: 0 },
  })
  expect(await rooms.place(session, 1, { pairs: ['en>fr'] })).toMatchObject({ node: 'a' })
})

test('a node that warms up is given nothing until it is ready', async ({ rooms }) => {
  const session = await rooms.begin()
  const { incarnation } = await rooms.fleet.registerNode(describeNode('a'))
  const life = { node: nodeId('a'), incarnation }
  expect(await rooms.route(session, 0)).toMatchObject({ kind: 'no_node' })
  await rooms.beat(life, 'warming')
  expect(await rooms.route(session, 0)).toMatchObject({ kind: 'no_node' })
  await rooms.beat(life, 'ready')
  expect(await rooms.route(session, 0)).toMatchObject({ kind: 'node' })
})

test('a node that drains leaves the pool and stays out, whatever it says later', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  expect(await rooms.beat(life, 'draining')).toMatchObject({ kind: 'beat' })
  expect(await rooms.route(session, 0)).toMatchObject({ kind: 'no_node' })
  expect(await rooms.beat(life, 'ready')).toMatchObject({ kind: 'beat' })
  expect(await rooms.route(session, 0)).toMatchObject({ kind: 'no_node' })
  expect((await rooms.pass(5000)).fencing).toEqual([])
})

test('a node that leaves is fenced at once, and once', async ({ rooms }) => {
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  expect(await rooms.fleet.leaveFleet(life)).toBe('left')
  expect(await rooms.fleet.leaveFleet(life)).toBe('superseded')
  expect(await rooms.route(session, 0)).toMatchObject({ kind: 'no_node' })
  expect(await rooms.beat(life)).toEqual({ kind: 'superseded' })
  expect((await rooms.tick()).fencing).toEqual([life])
})

test('an older life does not take a newer one out of the fleet', async ({ rooms }) => {
  const session = await rooms.begin()
  const old = await rooms.ready('a')
  const life = await rooms.ready('a')
  expect(await rooms.fleet.leaveFleet(old)).toBe('superseded')
  expect(await rooms.route(session, 0)).toMatchObject({ incarnation: life.incarnation })
})

test('a node that nobody registered is told so', async ({ rooms }) => {
  const { incarnation } = await rooms.fleet.registerNode(describeNode('a'))
  const stranger = { node: nodeId('b'), incarnation }
  expect(await rooms.beat(stranger)).toEqual({ kind: 'superseded' })
  expect(await rooms.fleet.leaveFleet(stranger)).toBe('superseded')
})

test('orders go down with the next beat, once and in order', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const life = await rooms.ready('a')
  await control.rpush(keys.orders(life.node, life.incarnation), 'abort u_s_0.1', 'drain 1a')
  expect(await rooms.beat(life)).toEqual({
    kind: 'beat',
    orders: [
      { kind: 'abort', attempt: 'u_s_0.1' },
      { kind: 'drain', incarnation: '1a' },
    ],
  })
  expect(await rooms.beat(life)).toEqual({ kind: 'beat', orders: [] })
  expect(parseOrder('abort u_s_0.1')).toEqual({ kind: 'abort', attempt: 'u_s_0.1' })
  expect(parseOrder('dance')).toBeUndefined()
})

test('nodes of equal abilities share one pool, and it goes with the last of them', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  const lives = [await rooms.ready('a'), await rooms.ready('b')]
  expect(await control.scard(`${keys.prefix}:pair:en>es`)).toBe(1)
  for (const life of lives) await rooms.fleet.leaveFleet(life)
  expect(await control.exists(`${keys.prefix}:pair:en>es`)).toBe(0)
})

test('what the registry holds does not expire by itself, what it let go does', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  const [gone, left] = [await rooms.ready('gone'), await rooms.ready('left')]
  const life = (id: string) => control.pttl(keys.node(nodeId(id)))
  expect([await life('gone'), await life('left')]).toEqual([-1, -1])
  await rooms.fleet.leaveFleet(left)
  rooms.alive.clear()
  await rooms.pass(2000)
  expect(await control.hget(keys.node(gone.node), 'state')).toBe('gone')
  for (const id of ['gone', 'left']) expect(await life(id)).toBeGreaterThan(590_000)
  await rooms.ready('gone')
  expect(await life('gone')).toBe(-1)
})

test('a node serves what it recognizes and translates, and speaks what it also says', () => {
  const languages = {
    recognize: ['en', 'ca'],
    translate: [
      ['en', 'es'],
      ['en', 'ca'],
      ['fr', 'es'],
      ['en', 'es'],
    ],
    synthesize: ['es'],
  } as const
  expect(pairsOf(languages)).toEqual(['en>ca', 'en>es', 'en>es+speech'])
})
