import fc from 'fast-check'
import { sessionId, type SessionId } from '../../src/protocol/ids.ts'
import { expect, fiftyTimes, HEAD_WAIT_MS, tally, test, type Rooms } from './rooms.ts'

const markGap = (rooms: Rooms, session: SessionId) =>
  rooms.completion.markGap({ session, headWaitMs: HEAD_WAIT_MS })

test('results wait for the head, then leave together in order', async ({ rooms }) => {
  const session = await rooms.begin()
  for (const index of [2, 1]) expect(await rooms.settle(session, index)).toBe('settled')
  expect(await rooms.told(session)).toEqual([])
  await rooms.settle(session, 0)
  expect(await rooms.told(session)).toEqual(['0', '1', '2'])
})

test('the gateway is told what went out if it is one outcome, and only woken if it is more', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  const news = await rooms.hear()
  for (const index of [0, 2, 1]) await rooms.settle(session, index)
  await rooms.settle(session, 4)
  rooms.time.now += HEAD_WAIT_MS
  await markGap(rooms, session)
  await rooms.settle(session, 3)
  const put = (seq: number, index: number, late: boolean) => ({
    kind: 'wake',
    put: { seq, index, late },
  })
  await expect
    .poll(() => news)
    .toMatchObject([
      put(1, 0, false),
      { kind: 'wake', session },
      { kind: 'wake', session },
      { kind: 'wake', session },
      { kind: 'wake', session },
      put(6, 3, true),
    ])
  expect(news.filter((each) => each.kind === 'wake' && each.put)).toHaveLength(2)
})

test('whatever the order of completion, results come by rising index without a hole', async ({
  rooms,
}) => {
  let sessions = 0
  const permutation = fc.integer({ min: 1, max: 12 }).chain((n) => {
    const indices = Array.from({ length: n }, (_, i) => i)
    return fc.shuffledSubarray(indices, { minLength: n, maxLength: n })
  })
  await fc.assert(
    fc.asyncProperty(permutation, async (indices) => {
      const session = await rooms.begin(`s${(sessions += 1)}`)
      for (const index of indices) await rooms.settle(session, index)
      expect(await rooms.told(session)).toEqual(indices.map((_, i) => `${i}`))
    }),
    { numRuns: 60 },
  )
})

test('fifty outcomes settled at once come in order', async ({ rooms }) => {
  const session = await rooms.begin()
  const words = await fiftyTimes((i) => rooms.settle(session, 49 - i))
  expect(tally(words)).toEqual({ settled: 50 })
  expect(await rooms.told(session)).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`))
})

test('an outcome read from the outbox says that it has left, a held one does not', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  await rooms.settle(session, 0)
  await rooms.settle(session, 2)
  expect(await rooms.outbox.released(session, 0)).toBe(true)
  expect(await rooms.outbox.released(session, 1)).toBe(false)
  expect(await rooms.outbox.released(session, 2)).toBe(false)
})

test('a head that holds others back too long is marked, and its outcome comes late', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  await rooms.settle(session, 1)
  expect(await markGap(rooms, session)).toEqual({ kind: 'early' })
  rooms.time.now += HEAD_WAIT_MS - 1
  expect(await markGap(rooms, session)).toEqual({ kind: 'early' })
  expect((await rooms.tick()).gaps).toEqual([])
  rooms.time.now += 1
  expect((await rooms.tick()).gaps).toEqual([session])
  expect(await markGap(rooms, session)).toEqual({ kind: 'marked', index: 0 })
  expect(await markGap(rooms, session)).toEqual({ kind: 'early' })
  expect((await rooms.tick()).gaps).toEqual([])
  await rooms.settle(session, 2)
  await rooms.settle(session, 0)
  expect(await rooms.told(session)).toEqual(['gap 0', '1', '2', 'late 0'])
})

test('two missing heads are two gaps', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.settle(session, 2)
  rooms.time.now += HEAD_WAIT_MS
  expect(await markGap(rooms, session)).toEqual({ kind: 'marked', index: 0 })
  expect((await rooms.tick()).gaps).toEqual([session])
  expect(await markGap(rooms, session)).toEqual({ kind: 'marked', index: 1 })
  expect(await rooms.told(session)).toEqual(['gap 0', 'gap 1', '2'])
})

test('a head is given its time from the first outcome that it holds back', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.settle(session, 3)
  rooms.time.now += 3000
  await rooms.settle(session, 1)
  await rooms.settle(session, 0)
  rooms.time.now += 2000
  expect((await rooms.tick()).gaps).toEqual([session])
  expect(await markGap(rooms, session)).toEqual({ kind: 'marked', index: 2 })
  await rooms.settle(session, 5)
  rooms.time.now += HEAD_WAIT_MS - 1
  expect((await rooms.tick()).gaps).toEqual([])
})

test('one gap marked fifty times at once is marked once, and the gateway woken once', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  await rooms.settle(session, 1)
  rooms.time.now += HEAD_WAIT_MS
  const news = await rooms.hear()
  const answers = await fiftyTimes(() => markGap(rooms, session))
  expect(tally(answers.map(({ kind }) => kind))).toEqual({ marked: 1, early: 49 })
  expect(await rooms.told(session)).toEqual(['gap 0', '1'])
  await expect.poll(() => news).toEqual([{ kind: 'wake', session }])
})

test('a session that is gone has no gap to mark, and is asked for no more', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  await rooms.settle(session, 1)
  rooms.time.now += HEAD_WAIT_MS
  await control.del(keys.session(session))
  expect(await markGap(rooms, session)).toEqual({ kind: 'unknown_session' })
  expect((await rooms.tick()).gaps).toEqual([])
})

test('an outbox that begins with a gap does not outlive its session', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  await rooms.settle(session, 1)
  rooms.time.now += HEAD_WAIT_MS
  await markGap(rooms, session)
  expect(await control.pttl(keys.outbox(session))).toBeGreaterThan(0)
})

test('whatever is late and whatever is marked, each index has one result and marks leave no hole', async ({
  rooms,
}) => {
  let sessions = 0
  const steps = fc.array(fc.option(fc.nat({ max: 7 }), { freq: 4 }), { maxLength: 24 })
  await fc.assert(
    fc.asyncProperty(steps, async (run) => {
      const session: SessionId = sessionId(await rooms.begin(`s${(sessions += 1)}`))
      for (const index of run) {
        if (index !== null) await rooms.settle(session, index)
        else {
          rooms.time.now += HEAD_WAIT_MS
          await markGap(rooms, session)
        }
      }
      for (let index = 0; index <= 7; index += 1) await rooms.settle(session, index)
      const told = await rooms.told(session)
      const words = told.map((each) => each.split(' '))
      const finals = words.filter(([word]) => word !== 'gap').map((each) => Number(each.at(-1)))
      expect(finals.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
      const inOrder = words.filter(([word]) => word !== 'late').map((each) => Number(each.at(-1)))
      expect(inOrder).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
      const marked = told.filter((each) => each.startsWith('gap')).map((each) => each.slice(4))
      const late = told.filter((each) => each.startsWith('late')).map((each) => each.slice(5))
      expect(late.toSorted()).toEqual(marked)
    }),
    { numRuns: 60 },
  )
})
