import { entryOf } from '../../src/completion/outbox.ts'
import type { GatewayNews } from '../../src/protocol/news.ts'
import { jobId, sessionId } from '../../src/protocol/ids.ts'
import { expect, fiftyTimes, SETTLE, tally, test } from './rooms.ts'

test('an outcome goes out with its figures, and the gateway is woken', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  const news = await rooms.hear()
  const { n } = await rooms.place(session, 0)
  rooms.time.now += 40
  await rooms.progress.progress({
    session,
    index: 0,
    attempt: n,
    stage: 'started',
    budgetMs: 10_000,
  })
  rooms.time.now += 60
  expect(await rooms.settle(session, 0, n, 'hello')).toBe('settled')
  const entries = await rooms.outbox.read(session, 0, 10)
  expect(entries).toEqual([
    {
      kind: 'final',
      seq: 1,
      index: 0,
      late: false,
      stored: {
        attempts: 1,
        waitMs: 40,
        totalMs: 100,
        outcome: 'translated',
        transcript: 'hello',
      },
    },
  ])
  const woken = (): GatewayNews | undefined => news.find(({ kind }) => kind === 'wake')
  await expect.poll(woken).toMatchObject({ session, put: { seq: 1, index: 0 } })
  const [put] = news.flatMap((each) =>
    each.kind === 'wake' && each.put ? [entryOf(each.put)] : [],
  )
  expect(put).toEqual(entries[0])
})

test('one outcome settled fifty times at once counts once', async ({ rooms }) => {
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  const { n } = await rooms.place(session, 0)
  const words = await fiftyTimes((i) => rooms.settle(session, 0, n, `${i}`))
  expect(tally(words)).toEqual({ settled: 1, duplicate: 49 })
  expect(await rooms.told(session)).toEqual(['0'])
  expect(await rooms.held(life)).toBe(0)
})

test('within the dedup window a repeat is a duplicate, after it the first outcome still counts', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  expect(await rooms.settle(session, 0, undefined, 'first')).toBe('settled')
  rooms.time.now += SETTLE.dedupWindowMs - 1
  expect(await rooms.settle(session, 0, undefined, 'second')).toBe('duplicate')
  rooms.time.now += 1
  expect(await rooms.settle(session, 0, undefined, 'third')).toBe('already_settled')
  rooms.time.now += 10 * SETTLE.dedupWindowMs
  expect(await rooms.settle(session, 0, undefined, 'fourth')).toBe('already_settled')
  const [only, ...more] = await rooms.outbox.read(session, 0, 10)
  expect(more).toEqual([])
  expect(only).toMatchObject({ stored: { transcript: 'first' } })
})

test('the dedup set holds what was accepted within its window and nothing else', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  await rooms.ready('a')
  await rooms.ready('b')
  for (const index of [0, 1, 2]) await rooms.settle(session, index)
  rooms.time.now += SETTLE.dedupWindowMs
  await rooms.settle(session, 3)
  await rooms.place(session, 4)
  await rooms.place(session, 4, { ended: 1 })
  await rooms.settle(session, 4, 1)
  expect(await control.zrange(keys.dedup(session), '0', '-1')).toEqual(['u_s_3'])
})

test('a stale attempt that reports first takes nothing from the valid one', async ({ rooms }) => {
  const session = await rooms.begin()
  const lives = [await rooms.ready('a'), await rooms.ready('b')]
  const stale = await rooms.place(session, 0)
  const valid = await rooms.place(session, 0, { ended: stale.n })
  expect(await rooms.settle(session, 0, stale.n, 'stale')).toBe('superseded')
  expect(new Set(await Promise.all(lives.map(rooms.held)))).toEqual(new Set([0, 1]))
  expect(await rooms.settle(session, 0, valid.n, 'valid')).toBe('settled')
  expect(await rooms.settle(session, 0, stale.n, 'stale')).toBe('duplicate')
  expect(await Promise.all(lives.map(rooms.held))).toEqual([0, 0])
  expect(await rooms.outbox.read(session, 0, 10)).toMatchObject([
    { stored: { transcript: 'valid', attempts: 2 } },
  ])
})

test('an outcome that needs no attempt ends the one that runs', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  const { n } = await rooms.place(session, 0)
  expect(await rooms.settle(session, 0)).toBe('settled')
  expect(await rooms.held(life)).toBe(0)
  expect(await control.zcard(keys.deadlines)).toBe(0)
  expect(await rooms.settle(session, 0, n)).toBe('duplicate')
})

test('the slot comes back though the session is gone', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  const { n } = await rooms.place(session, 0)
  await control.del(keys.session(session))
  expect(await rooms.settle(session, 0, n)).toBe('unknown_session')
  expect(await rooms.settle(sessionId('nobody'), 0)).toBe('unknown_session')
  expect(await rooms.held(life)).toBe(0)
})

test('the attempt record outlives its outcome by a minute', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  await rooms.ready('a')
  const { n } = await rooms.place(session, 0)
  await rooms.settle(session, 0, n)
  const left = await control.pttl(keys.attempt(jobId(session, 0)))
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThanOrEqual(SETTLE.recordLifeMs)
  expect(await control.zcard(keys.deadlines)).toBe(0)
})

test('a clock that jumped back 10 s tells no negative times and forgets no outcome', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  const { n } = await rooms.place(session, 0)
  rooms.time.now -= 10_000
  await rooms.progress.progress({ session, index: 0, attempt: n, stage: 'started', budgetMs: 9000 })
  expect(await rooms.settle(session, 0, n)).toBe('settled')
  expect(await rooms.settle(session, 0, n)).toBe('duplicate')
  expect(await rooms.outbox.read(session, 0, 10)).toMatchObject([
    { stored: { waitMs: 0, totalMs: 0 } },
  ])
})
