import { expect, fiftyTimes, HOUR, LEASE, test, TICK } from './rooms.ts'

test('a node whose lease ran out is taken from its pool and named until it is fenced', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  const silent = await rooms.ready('silent')
  const lively = await rooms.ready('lively')
  rooms.alive.delete(silent)
  expect((await rooms.pass(LEASE.leaseMs - 1)).fencing).toEqual([])
  expect((await rooms.pass(1)).fencing).toEqual([silent])
  expect((await rooms.tick()).fencing).toEqual([silent])
  expect(await rooms.beat(silent)).toEqual({ kind: 'superseded' })
  for (let index = 0; index < 6; index += 1)
    expect(await rooms.place(session, index)).toMatchObject({ node: lively.node })
  expect(await rooms.route(session, 6)).toMatchObject({
    kind: 'no_node',
    excluded: { full: 1, unable: 0 },
  })
})

test('fifty watches that tick at once fence one node once', async ({ rooms }) => {
  const life = await rooms.ready('a')
  rooms.alive.clear()
  await rooms.pass(LEASE.leaseMs - 500)
  rooms.time.now += 500
  const ticks = await fiftyTimes(() => rooms.tick())
  for (const { fencing } of ticks) expect(fencing).toEqual([life])
  expect(await rooms.store.control.zcard(rooms.store.keys.nodes)).toBe(0)
})

test('a tick answers no more of each kind than it is asked for', async ({ rooms }) => {
  for (let i = 0; i < 5; i += 1) await rooms.fleet.leaveFleet(await rooms.ready(`n${i}`))
  const due = await rooms.fleet.tickWatch({ ...TICK, limit: 3, headWaitMs: 0 })
  expect(due.fencing).toHaveLength(3)
})

test('a node that never became ready is fenced all the same', async ({ rooms }) => {
  const life = await rooms.ready('a')
  await rooms.beat(life, 'warming')
  rooms.alive.clear()
  expect((await rooms.pass(LEASE.leaseMs)).fencing).toEqual([life])
})

test('an outage of any length expires nobody and makes nothing overdue', async ({ rooms }) => {
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  await rooms.place(session, 0)
  await rooms.tick()
  rooms.time.now += HOUR
  expect(await rooms.tick()).toEqual({
    fencing: [],
    overdue: [],
    gaps: [],
    waiting: [],
    orphans: [],
  })
  expect(await rooms.beat(life)).toMatchObject({ kind: 'beat' })
  expect((await rooms.pass(7999)).overdue).toEqual([])
  expect((await rooms.pass(1)).overdue).toEqual(['u_s_0.1'])
})

test('the beat that comes first after an outage is as good as a tick', async ({ rooms }) => {
  const first = await rooms.ready('a')
  const second = await rooms.ready('b')
  rooms.time.now += HOUR
  await rooms.beat(first)
  expect((await rooms.tick()).fencing).toEqual([])
  expect(await rooms.beat(second)).toMatchObject({ kind: 'beat' })
})

test('what is begun first after an outage has the time that it would have had', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  rooms.time.now += HOUR
  await rooms.place(session, 0)
  await rooms.tick()
  expect((await rooms.pass(7999)).overdue).toEqual([])
  expect((await rooms.pass(1)).overdue).toEqual(['u_s_0.1'])
})

test('a gap as long as the grace is no outage, a longer one is', async ({ rooms }) => {
  await rooms.ready('a')
  for (let i = 0; i < 2; i += 1) {
    rooms.time.now += LEASE.graceMs + 1
    expect((await rooms.tick()).fencing).toEqual([])
  }
  await rooms.pass(1)
  rooms.time.now += LEASE.graceMs
  expect((await rooms.tick()).fencing).toEqual([])
  rooms.alive.clear()
  rooms.time.now += LEASE.graceMs
  expect((await rooms.tick()).fencing).toHaveLength(1)
})

test('three graces in a row are given, however many watches tick, then it fences all the same', async ({
  rooms,
}) => {
  const life = await rooms.ready('a')
  for (let outage = 0; outage < 3; outage += 1) {
    rooms.time.now += 10_000
    for (const { fencing } of await fiftyTimes(() => rooms.tick())) expect(fencing).toEqual([])
  }
  rooms.time.now += 10_000
  expect((await rooms.tick()).fencing).toEqual([life])
})

test('graces with time between them are not in a row', async ({ rooms }) => {
  await rooms.ready('a')
  for (let outage = 0; outage < 5; outage += 1) {
    rooms.time.now += 10_000
    expect((await rooms.pass(500)).fencing).toEqual([])
  }
})

test('a clock that jumps back ten seconds, or an hour, delays no expiry by more than a tick', async ({
  rooms,
}) => {
  for (const back of [10_000, HOUR]) {
    const life = await rooms.ready(`off-by-${back}`)
    rooms.alive.clear()
    await rooms.pass(1000)
    rooms.time.now -= back
    await rooms.tick()
    expect((await rooms.pass(999)).fencing).not.toContainEqual(life)
    expect((await rooms.pass(1)).fencing).toContainEqual(life)
  }
})

test('a clock that jumps back and later forward again expires nobody who beats', async ({
  rooms,
}) => {
  const life = await rooms.ready('a')
  await rooms.pass(2000)
  for (const jump of [-10_000, 10_000]) {
    rooms.time.now += jump
    expect((await rooms.tick()).fencing).toEqual([])
    expect((await rooms.pass(3000)).fencing).toEqual([])
  }
  expect(await rooms.beat(life)).toMatchObject({ kind: 'beat' })
})

test('the clock goes on between two ticks', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  await rooms.place(session, 0)
  const again = { ended: 1, code: 'engine_error' } as const
  expect(await rooms.route(session, 0, again)).toMatchObject({ kind: 'wait' })
  rooms.time.now += 250
  expect(await rooms.route(session, 0, again)).toMatchObject({ kind: 'node' })
})

test('work begun while the clock has just jumped back has its whole time', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  await rooms.pass(500)
  rooms.time.now -= 10_000
  await rooms.place(session, 0)
  await rooms.tick()
  expect((await rooms.pass(7999)).overdue).toEqual([])
  expect((await rooms.pass(1)).overdue).toEqual(['u_s_0.1'])
})

test('a fleet of one is retried after its backoff though the clock jumped back', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  await rooms.place(session, 0)
  const again = { ended: 1, code: 'engine_error' } as const
  expect(await rooms.route(session, 0, again)).toMatchObject({ kind: 'wait' })
  rooms.time.now -= 10_000
  await rooms.tick()
  await rooms.pass(250)
  expect(await rooms.route(session, 0, again)).toMatchObject({ kind: 'node' })
})
