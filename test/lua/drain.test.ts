import { nodeId } from '../../src/protocol/ids.ts'
import { expect, fiftyTimes, tally, test } from './rooms.ts'

test('a node that is ordered to drain is given nothing more, and is told', async ({ rooms }) => {
  const { store, fleet } = rooms
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  const order = { kind: 'drain', incarnation: life.incarnation }
  await rooms.place(session, 0)
  const heard: string[] = []
  await store.subscribe(store.keys.nodeOrders(life.node), (text) => heard.push(text))
  expect(await fleet.drainNode(life.node)).toEqual({ kind: 'ordered', held: 1 })
  expect(await rooms.route(session, 1)).toMatchObject({ kind: 'no_node' })
  await expect.poll(() => heard).toEqual([`drain ${life.incarnation}`])
  expect(await rooms.beat(life)).toEqual({ kind: 'beat', orders: [order] })
  expect(await rooms.beat(life)).toEqual({ kind: 'beat', orders: [] })
  expect(await rooms.route(session, 1)).toMatchObject({ kind: 'no_node' })
})

test('a child given just before the order, and added just after it, may not stay', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  const { n } = await rooms.place(session, 0)
  await rooms.fleet.drainNode(life.node)
  const attempt = { session, index: 0, n, ...life }
  expect(await rooms.routing.confirmAttempt(attempt)).toBe('fenced')
})

test('what a draining node runs is its own until it is done', async ({ rooms }) => {
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  await rooms.place(session, 0)
  await rooms.fleet.drainNode(life.node)
  expect((await rooms.pass(5000)).fencing).toEqual([])
  expect(await rooms.settle(session, 0, 1)).toBe('settled')
  expect(await rooms.held(life)).toBe(0)
})

test('of fifty orders at once one is the first, and the node leaves its pool once', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  const life = await rooms.ready('a')
  const answers = await fiftyTimes(() => rooms.fleet.drainNode(life.node))
  expect(tally(answers.map(({ kind }) => kind))).toEqual({ ordered: 1, draining: 49 })
  expect(await control.smembers(keys.pairs)).toEqual([])
  expect(await control.pttl(keys.orders(life.node, life.incarnation))).toBeGreaterThan(50_000)
})

test('a node that drained, and comes back under its id, is not held to the old order', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  const old = await rooms.ready('a')
  await rooms.fleet.drainNode(old.node)
  const life = await rooms.ready('a')
  expect(await rooms.beat(life)).toEqual({ kind: 'beat', orders: [] })
  expect(await rooms.place(session, 0)).toMatchObject({ incarnation: life.incarnation })
})

test('a node that warms up can be drained before it has served anybody', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.ready('twin')
  const { incarnation } = await rooms.fleet.registerNode({
    ...{ id: 'a', version: '1', capacity: 2, engines: [], host: 'here' },
    languages: { recognize: ['en'], translate: [['en', 'es']], synthesize: [] },
  })
  const life = { node: nodeId('a'), incarnation }
  expect(await rooms.fleet.drainNode(life.node)).toEqual({ kind: 'ordered', held: 0 })
  expect(await rooms.beat(life, 'ready')).toMatchObject({ orders: [{ kind: 'drain' }] })
  for (let index = 0; index < 6; index += 1)
    expect(await rooms.place(session, index)).toMatchObject({ node: 'twin' })
})

test('nobody drains a node that is gone, or that there never was', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const life = await rooms.ready('a')
  await rooms.fleet.leaveFleet(life)
  expect(await rooms.fleet.drainNode(life.node)).toEqual({ kind: 'gone' })
  expect(await rooms.fleet.drainNode(nodeId('b'))).toEqual({ kind: 'unknown' })
  expect(await control.exists(keys.node(nodeId('b')))).toBe(0)
})
