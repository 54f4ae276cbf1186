import { expect, HOUR, ROUTE, tally, test, type Rooms } from './rooms.ts'
import type { ErrorCode } from '../../src/protocol/codes.ts'
import { jobId, type SessionId } from '../../src/protocol/ids.ts'

const started = (rooms: Rooms, session: SessionId, attempt: number) =>
  rooms.progress.progress({ session, index: 0, attempt, stage: 'started', budgetMs: 10_000 })

/** Routes utterance 0 to a node, after the backoff if that is what it takes. */
async function patiently(
  rooms: Rooms,
  session: SessionId,
  asked: { ended: number; code: ErrorCode },
) {
  const route = await rooms.route(session, 0, asked)
  if (route.kind === 'node') return route
  expect(route.kind).toBe('wait')
  await rooms.pass(ROUTE.retryBackoffMs)
  return rooms.place(session, 0, asked)
}

test('a failed attempt goes to a node that has not been tried', async ({ rooms }) => {
  const session = await rooms.begin()
  for (const id of ['a', 'b', 'c']) await rooms.ready(id)
  const nodes: string[] = []
  for (const ended of [0, 1, 2])
    nodes.push((await rooms.place(session, 0, { ended, code: 'engine_busy' })).node)
  expect(new Set(nodes).size).toBe(3)
})

test('tried nodes come last even when the others are busy', async ({ rooms }) => {
  const session = await rooms.begin()
  const [a, b] = [await rooms.ready('a'), await rooms.ready('b')]
  const { node } = await rooms.place(session, 0)
  const busy = node === 'a' ? b : a
  await rooms.beat(busy, 'ready', { serviceMsPerAudioS: 10_000 })
  rooms.alive.clear()
  for (let index = 1; index < 4; index += 1) await rooms.place(session, index)
  expect(await rooms.place(session, 0, { ended: 1, code: 'engine_error' })).toMatchObject({
    node: busy.node,
  })
})

test('of tried nodes the least tried one is taken', async ({ rooms }) => {
  const session = await rooms.begin()
  for (const id of ['a', 'b']) await rooms.ready(id)
  const nodes: string[] = []
  for (const ended of [0, 1, 2, 3])
    nodes.push((await patiently(rooms, session, { ended, code: 'engine_busy' })).node)
  expect(tally(nodes)).toEqual({ a: 2, b: 2 })
})

test('a fleet of one waits before it is tried again, then is', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  await rooms.place(session, 0)
  const again = { ended: 1, code: 'engine_error' } as const
  expect(await rooms.route(session, 0, again)).toEqual({ kind: 'wait', waitMs: 250 })
  await rooms.pass(249)
  expect(await rooms.route(session, 0, again)).toEqual({ kind: 'wait', waitMs: 250 })
  await rooms.pass(1)
  expect(await rooms.route(session, 0, again)).toMatchObject({ kind: 'node', n: 2, node: 'a' })
})

test('after three errors nothing is tried any more, and the last one is named', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  for (const id of ['a', 'b', 'c', 'd']) await rooms.ready(id)
  await rooms.place(session, 0)
  await rooms.place(session, 0, { ended: 1, code: 'engine_error' })
  await rooms.place(session, 0, { ended: 2, code: 'engine_error' })
  const last = { ended: 3, code: 'bad_audio' } as const
  const exhausted = { kind: 'exhausted', code: 'bad_audio' }
  expect(await rooms.route(session, 0, last)).toEqual(exhausted)
  expect(await rooms.route(session, 0, last)).toEqual(exhausted)
})

test('busy engines and missing dependencies use nothing up', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  for (let ended = 0; ended < 8; ended += 1) {
    const code = ended % 2 === 0 ? 'engine_busy' : 'dependency_down'
    expect(await patiently(rooms, session, { ended, code })).toMatchObject({ n: ended + 1 })
  }
  expect(await rooms.record(session, 0)).not.toHaveProperty('errors')
})

test('work that was only queued on lost nodes uses no re-home up', async ({ rooms }) => {
  const session = await rooms.begin()
  for (let ended = 0; ended < 8; ended += 1) {
    const life = await rooms.ready(`n${ended}`)
    await rooms.place(session, 0, { ended })
    await rooms.fleet.leaveFleet(life)
  }
  expect(await rooms.record(session, 0)).not.toHaveProperty('rehomes')
})

test('work that had started is moved from lost nodes three times, not four', async ({ rooms }) => {
  const session = await rooms.begin()
  for (let ended = 0; ended < 4; ended += 1) {
    const life = await rooms.ready(`n${ended}`)
    const { n } = await rooms.place(session, 0, { ended })
    expect(await started(rooms, session, n)).toBe('told')
    await rooms.fleet.leaveFleet(life)
  }
  await rooms.ready('last')
  expect(await rooms.route(session, 0, { ended: 4 })).toEqual({
    kind: 'exhausted',
    code: 'node_lost',
  })
})

test('started work that is cut loose past its deadline counts as an error', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  await rooms.place(session, 0)
  await started(rooms, session, 1)
  expect((await rooms.pass(9_500)).overdue).toEqual([])
  expect((await rooms.pass(500)).overdue).toEqual(['u_s_0.1'])
  await rooms.route(session, 0, { ended: 1 })
  expect(await rooms.record(session, 0)).toMatchObject({ errors: '1', code: 'deadline' })
})

test('work that did not start in time is moved without an error', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  await rooms.place(session, 0)
  expect((await rooms.pass(ROUTE.startDeadlineMs)).overdue).toEqual(['u_s_0.1'])
  await rooms.route(session, 0, { ended: 1 })
  const record = await rooms.record(session, 0)
  expect(record).not.toHaveProperty('errors')
  expect(record).not.toHaveProperty('rehomes')
})

test('an attempt record outlives every deadline that it bears', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  await rooms.ready('a')
  await rooms.place(session, 0)
  const life = await control.pttl(keys.attempt(jobId(session, 0)))
  expect(life).toBeGreaterThan(ROUTE.overallDeadlineMs)
  expect(life).toBeLessThanOrEqual(ROUTE.recordLifeMs)
})

test('an utterance ends with its overall deadline, whatever is tried', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.route(session, 0)
  await rooms.ready('a')
  await rooms.pass(ROUTE.overallDeadlineMs)
  expect(await rooms.route(session, 0)).toMatchObject({ kind: 'node' })
  await rooms.pass(1)
  expect(await rooms.route(session, 0, { ended: 1 })).toEqual({ kind: 'deadline' })
})

test('an hour without Redis uses up neither the wait for a node nor the overall deadline', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  await rooms.tick()
  await rooms.route(session, 0)
  rooms.time.now += HOUR
  expect(await rooms.route(session, 0)).toEqual({
    kind: 'no_node',
    sinceMs: 0,
    excluded: { full: 0, unable: 0 },
  })
  await rooms.tick()
  await rooms.pass(1000)
  expect(await rooms.route(session, 0)).toEqual({
    kind: 'no_node',
    sinceMs: 1000,
    excluded: { full: 0, unable: 0 },
  })
})

test('a node that fails at once attracts less than its share', async ({ rooms }) => {
  const session = await rooms.begin()
  for (const id of ['bad', 'a', 'b', 'c']) await rooms.ready(id)
  const chosen: string[] = []
  const inHand: { index: number; n: number }[] = []
  for (let index = 0; index < 200; index += 1) {
    const { node, n } = await rooms.place(session, index)
    chosen.push(node)
    if (node === 'bad') {
      const other = await rooms.place(session, index, { ended: n, code: 'engine_error' })
      inHand.push({ index, n: other.n })
    } else inHand.push({ index, n })
    const done = inHand.length > 6 ? inHand.shift() : undefined
    if (done) await rooms.settle(session, done.index, done.n)
    await rooms.pass(50)
  }
  const { bad = 0 } = tally(chosen)
  expect(bad).toBeGreaterThan(0)
  expect(bad).toBeLessThan(30)
})

test('a failure is forgiven after half a minute, and never grows', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  for (const id of ['a', 'b']) await rooms.ready(id)
  const { node } = await rooms.place(session, 0)
  const { n } = await rooms.place(session, 0, { ended: 1, code: 'engine_error' })
  await rooms.settle(session, 0, n)
  const profile = await control.hget(keys.node(node), 'profile')
  const rank = () => control.zscore(`${keys.prefix}:profile:${profile}`, node)
  const idle = '25'
  const blamed = await rank()
  expect(Number(blamed)).toBeGreaterThan(Number(idle))
  rooms.time.now -= HOUR
  await rooms.pass(500)
  expect(await rank()).toBe(blamed)
  rooms.time.now += HOUR
  await rooms.pass(30_000)
  expect(await rank()).toBe(idle)
})
