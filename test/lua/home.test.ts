import type { NodeId } from '../../src/protocol/ids.ts'
import type { Life } from '../../lua/fleet.ts'
import { expect, ROUTE, test, type Rooms } from './rooms.ts'

const homeOf = (rooms: Rooms, session: Awaited<ReturnType<Rooms['begin']>>) =>
  rooms.store.control.hgetall(rooms.store.keys.home(session))

/** Two idle nodes and a session that went on speaking: `home` has it, `other` does not. */
async function bound(rooms: Rooms) {
  const session = await rooms.begin()
  const lives = [await rooms.ready('a'), await rooms.ready('b')]
  const { node } = await rooms.place(session, 1, { home: 'bind' })
  const at = (id: NodeId, is: boolean): Life => {
    const life = lives.find((each) => (each.node === id) === is)
    if (!life) throw new Error('two nodes')
    return life
  }
  return { session, home: at(node, true), other: at(node, false) }
}

test('speech that goes on stays on the node it was on, though that one is busier', async ({
  rooms,
}) => {
  const { session, home } = await bound(rooms)
  for (const index of [2, 3, 4])
    expect(await rooms.place(session, index, { home: 'bind' })).toMatchObject({
      node: home.node,
      decision: 'home',
    })
})

test('the first utterance of a session is balanced', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  expect(await rooms.place(session, 0, { home: 'bind' })).toMatchObject({ decision: 'balance' })
})

test('a speaker who stopped clears the home before the choice', async ({ rooms }) => {
  const { session, other } = await bound(rooms)
  expect(await rooms.place(session, 2, { home: 'clear' })).toMatchObject({
    node: other.node,
    decision: 'balance',
  })
  expect(await homeOf(rooms, session)).toEqual({ index: '2' })
})

test('a late re-route does not bind again what a later clear cleared', async ({ rooms }) => {
  const { session } = await bound(rooms)
  await rooms.place(session, 2, { home: 'clear' })
  await rooms.place(session, 1, { ended: 1, code: 'engine_error', home: 'bind' })
  expect(await homeOf(rooms, session)).toEqual({ index: '2' })
})

test('a late clear does not clear what a later utterance bound', async ({ rooms }) => {
  const { session, home } = await bound(rooms)
  await rooms.place(session, 0, { home: 'clear' })
  expect(await homeOf(rooms, session)).toMatchObject({ index: '1', node: home.node })
})

test('a re-route of the cut that cleared leaves the home cleared', async ({ rooms }) => {
  const { session } = await bound(rooms)
  await rooms.place(session, 2, { home: 'clear' })
  await rooms.place(session, 2, { ended: 1, code: 'engine_error', home: 'clear' })
  expect(await homeOf(rooms, session)).toEqual({ index: '2' })
})

test('a home that is gone is replaced in the same decision', async ({ rooms }) => {
  const { session, home, other } = await bound(rooms)
  await rooms.fleet.leaveFleet(home)
  expect(await rooms.place(session, 2, { home: 'bind' })).toMatchObject({
    node: other.node,
    decision: 'rehome',
  })
  expect(await rooms.place(session, 3, { home: 'bind' })).toMatchObject({
    node: other.node,
    decision: 'home',
  })
})

test('a home that has begun another life is not the home any more', async ({ rooms }) => {
  const { session, home, other } = await bound(rooms)
  await rooms.ready(home.node)
  await rooms.beat(other, 'ready')
  expect(await rooms.place(session, 2, { home: 'bind' })).toMatchObject({ decision: 'rehome' })
})

test('a home that drains is left', async ({ rooms }) => {
  const { session, home, other } = await bound(rooms)
  await rooms.beat(home, 'draining')
  expect(await rooms.place(session, 2, { home: 'bind' })).toMatchObject({
    node: other.node,
    decision: 'rehome',
  })
})

test('a home that lacks an engine for the pair is left for the next best', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const { session, home, other } = await bound(rooms)
  await control.set(keys.unable(home.node, 'en>es'), 1)
  expect(await rooms.place(session, 2, { home: 'bind' })).toMatchObject({
    node: other.node,
    decision: 'rehome',
  })
  expect(await rooms.place(session, 3, { home: 'bind' })).toMatchObject({
    node: other.node,
    decision: 'home',
  })
})

test('a home whose life has passed is free', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const { session } = await bound(rooms)
  await control.pexpire(keys.home(session), 1)
  await expect.poll(() => control.exists(keys.home(session))).toBe(0)
  expect(await rooms.place(session, 2, { home: 'bind' })).toMatchObject({ decision: 'balance' })
})

test('a home that is full is left', async ({ rooms }) => {
  const { session, home, other } = await bound(rooms)
  for (let index = 2; index < 7; index += 1) await rooms.place(session, index, { home: 'bind' })
  expect(await rooms.held(home)).toBe(6)
  expect(await rooms.place(session, 7, { home: 'bind' })).toMatchObject({
    node: other.node,
    decision: 'rehome',
  })
})

test('a home may cost the affinity penalty over the best node, and no more', async ({ rooms }) => {
  const { session, home, other } = await bound(rooms)
  await rooms.beat(home, 'ready', { serviceMsPerAudioS: 1000 })
  expect(await rooms.place(session, 2, { home: 'bind' })).toMatchObject({
    decision: 'home',
    waitMs: ROUTE.affinityPenaltyMs,
  })
  expect(await rooms.place(session, 3, { home: 'bind' })).toMatchObject({
    node: other.node,
    decision: 'rehome',
  })
  expect(await homeOf(rooms, session)).toMatchObject({ node: other.node, index: '3' })
})

test('the penalty counts from the best node, however busy all are', async ({ rooms }) => {
  const { session, home, other } = await bound(rooms)
  await rooms.beat(home, 'ready', { serviceMsPerAudioS: 1500 })
  await rooms.beat(other, 'ready', { serviceMsPerAudioS: 1000 })
  await rooms.place(session, 0)
  expect(await rooms.held(other)).toBe(1)
  expect(await rooms.place(session, 2, { home: 'bind' })).toMatchObject({ decision: 'home' })
})

test('an utterance that failed at home goes elsewhere, and home moves along', async ({ rooms }) => {
  const { session, home, other } = await bound(rooms)
  expect(
    await rooms.place(session, 1, { ended: 1, code: 'engine_error', home: 'bind' }),
  ).toMatchObject({ node: other.node, decision: 'rehome' })
  expect(await homeOf(rooms, session)).toMatchObject({ node: other.node, index: '1' })
  expect(home.node).not.toBe(other.node)
})

test('a home is forgotten after its life, bound or cleared, whether a node was found or not', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  const life = (session: Awaited<ReturnType<Rooms['begin']>>) => control.pttl(keys.home(session))
  const nobody = await rooms.begin('nobody')
  await rooms.route(nobody, 0, { home: 'clear' })
  expect(await life(nobody)).toBeGreaterThan(ROUTE.affinityTtlMs - 5000)
  const { session } = await bound(rooms)
  expect(await life(session)).toBeGreaterThan(ROUTE.affinityTtlMs - 5000)
})
