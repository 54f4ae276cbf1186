import { sessionId } from '../../src/protocol/ids.ts'
import { describeNode, expect, fiftyTimes, tally, test } from './rooms.ts'

test('an utterance is routed to a node, which is told to the gateway', async ({ rooms }) => {
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  const news = await rooms.hear()
  expect(await rooms.route(session, 0)).toEqual({
    kind: 'node',
    n: 1,
    node: 'a',
    incarnation: life.incarnation,
    waitMs: 0,
    decision: 'balance',
  })
  await expect
    .poll(() => news)
    .toEqual([{ kind: 'progress', attempt: 'u_s_0.1', stage: 'dispatched', text: '' }])
})

test('a session that is not there is routed nowhere', async ({ rooms }) => {
  await rooms.ready('a')
  expect(await rooms.route(sessionId('nobody'), 0)).toEqual({ kind: 'unknown_session' })
})

test('a settled utterance is not routed again', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  const { n } = await rooms.place(session, 0)
  await rooms.settle(session, 0, n)
  expect(await rooms.route(session, 0, { ended: n })).toEqual({ kind: 'settled' })
})

test('fifty routes for one ended attempt begin one', async ({ rooms }) => {
  const session = await rooms.begin()
  const lives = [await rooms.ready('a'), await rooms.ready('b'), await rooms.ready('c')]
  for (const ended of [0, 1, 2]) {
    const answers = await fiftyTimes(() => rooms.route(session, 0, { ended, code: 'engine_busy' }))
    expect(tally(answers.map(({ kind }) => kind))).toEqual({ node: 1, superseded: 49 })
    const held = await Promise.all(lives.map(rooms.held))
    expect(held.reduce((a, b) => a + b)).toBe(1)
  }
})

test('a route takes a slot and a deadline, the next one gives them back first', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  const a = await rooms.ready('a')
  await rooms.place(session, 0)
  expect(await rooms.held(a)).toBe(1)
  expect(await control.zrange(keys.deadlines, '0', '-1')).toEqual(['u_s_0.1'])
  const b = await rooms.ready('b')
  expect(await rooms.place(session, 0, { ended: 1 })).toMatchObject({ n: 2, node: 'b' })
  expect([await rooms.held(a), await rooms.held(b)]).toEqual([0, 1])
  expect(await control.zrange(keys.deadlines, '0', '-1')).toEqual(['u_s_0.2'])
})

test('the slot of an ended attempt is given back though its session is gone', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  await rooms.place(session, 0)
  await control.del(keys.session(session))
  expect(await rooms.route(session, 0, { ended: 1 })).toEqual({ kind: 'unknown_session' })
  expect(await rooms.held(life)).toBe(0)
  expect(await control.zcard(keys.deadlines)).toBe(0)
})

test('without a node it is told since when, and how many are full', async ({ rooms }) => {
  const session = await rooms.begin()
  expect(await rooms.route(session, 0)).toEqual({
    kind: 'no_node',
    sinceMs: 0,
    excluded: { full: 0, unable: 0 },
  })
  await rooms.ready('other', {
    languages: { recognize: ['en'], translate: [['en', 'fr']], synthesize: [] },
  })
  await rooms.pass(3000)
  expect(await rooms.route(session, 0)).toEqual({
    kind: 'no_node',
    sinceMs: 3000,
    excluded: { full: 0, unable: 0 },
  })
  await rooms.ready('a', { capacity: 1 })
  for (const index of [1, 2]) await rooms.place(session, index)
  expect(await rooms.route(session, 3)).toMatchObject({ kind: 'no_node', sinceMs: 0 })
  await rooms.place(session, 0)
  expect(await rooms.route(session, 3)).toEqual({
    kind: 'no_node',
    sinceMs: 0,
    excluded: { full: 1, unable: 0 },
  })
})

test('the wait for a node is counted anew after an attempt', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.route(session, 0)
  await rooms.pass(5000)
  const life = await rooms.ready('a')
  await rooms.place(session, 0)
  await rooms.fleet.leaveFleet(life)
  expect(await rooms.route(session, 0, { ended: 1 })).toMatchObject({ kind: 'no_node', sinceMs: 0 })
})

test('an utterance that must be served in no pair at all finds no node', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  expect(await rooms.route(session, 0, { pairs: [] })).toMatchObject({ kind: 'no_node' })
})

test('a node must serve every pair that is asked for', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.ready('a')
  await rooms.ready('b', {
    languages: {
      recognize: ['en', 'ca'],
      translate: [
        ['en', 'es'],
        ['ca', 'es'],
      ],
      synthesize: ['es'],
    },
  })
  const pairs = ['en>es', 'ca>es']
  expect(await rooms.place(session, 0, { pairs })).toMatchObject({ node: 'b' })
  expect(await rooms.place(session, 1, { pairs: ['en>es+speech'] })).toMatchObject({ node: 'b' })
  expect(await rooms.route(session, 2, { pairs: [...pairs, 'fr>es'] })).toMatchObject({
    kind: 'no_node',
  })
})

test('speech is asked of those who speak; where nobody does, the text is served', async ({
  rooms,
}) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  const pairs = ['en>es+speech']
  const languages = describeNode('').languages
  await rooms.ready('mute')
  expect(await rooms.place(session, 0, { pairs })).toMatchObject({ node: 'mute' })
  const speaks = { capacity: 1, languages: { ...languages, synthesize: ['es'] } }
  const speaker = await rooms.ready('speaker', speaks)
  for (const index of [1, 2, 3])
    expect(await rooms.place(session, index, { pairs })).toMatchObject({ node: 'speaker' })
  expect(await rooms.route(session, 4, { pairs })).toMatchObject({ kind: 'no_node' })
  expect(await control.smembers(keys.waiting)).toEqual(['en>es+speech'])
  await rooms.fleet.leaveFleet(speaker)
  expect((await rooms.tick()).waiting).toEqual(['u_s_4'])
  expect(await rooms.place(session, 4, { pairs })).toMatchObject({ node: 'mute' })
  expect(await control.smembers(keys.waiting)).toEqual([])
})

test('who waits for speech and then for text stands in one line only', async ({ rooms }) => {
  const { control, keys } = rooms.store
  const session = await rooms.begin()
  const pairs = ['en>es+speech']
  await rooms.route(session, 0, { pairs })
  expect(await control.smembers(keys.waiting)).toEqual(['en>es'])
  const languages = { ...describeNode('').languages, synthesize: ['es'] }
  await rooms.ready('speaker', { capacity: 1, languages })
  for (const index of [1, 2, 3]) await rooms.place(session, index, { pairs })
  await rooms.route(session, 0, { pairs })
  expect(await control.smembers(keys.waiting)).toEqual(['en>es+speech'])
  expect(await control.exists(keys.waitingFor('en>es'))).toBe(0)
})

test('nobody is given more than three times its capacity, however many ask at once', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  const lives = [await rooms.ready('a', { capacity: 1 }), await rooms.ready('b', { capacity: 4 })]
  const answers = await fiftyTimes((index) => rooms.route(session, index, { home: 'bind' }))
  expect(tally(answers.map(({ kind }) => kind))).toEqual({ node: 15, no_node: 35 })
  expect(await Promise.all(lives.map(rooms.held))).toEqual([3, 12])
})

test('a full node is chosen again as soon as one of its slots is free', async ({ rooms }) => {
  const session = await rooms.begin()
  await rooms.ready('a', { capacity: 1 })
  for (const index of [0, 1, 2]) await rooms.place(session, index)
  expect(await rooms.route(session, 3)).toMatchObject({ kind: 'no_node' })
  await rooms.settle(session, 1, 1)
  expect(await rooms.route(session, 3)).toMatchObject({ kind: 'node', waitMs: 200 })
})

test('the smallest estimated wait wins: work in hand times pace over capacity', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  const slow = await rooms.ready('slow')
  const fast = await rooms.ready('fast')
  await rooms.beat(slow, 'ready', { serviceMsPerAudioS: 1000 })
  await rooms.beat(fast, 'ready', { serviceMsPerAudioS: 250 })
  for (let index = 0; index < 5; index += 1) await rooms.place(session, index)
  expect([await rooms.held(slow), await rooms.held(fast)]).toEqual([1, 4])
})

test('the smallest estimated wait wins among nodes that can do different things besides', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  for (const other of ['fr', 'de', 'it', 'pt'])
    await rooms.ready(other, {
      languages: {
        recognize: ['en'],
        translate: [
          ['en', 'es'],
          ['en', other],
        ],
        synthesize: [],
      },
    })
  const chosen: string[] = []
  for (let index = 0; index < 4; index += 1) chosen.push((await rooms.place(session, index)).node)
  expect(new Set(chosen).size).toBe(4)
})

test('equal idle nodes share the work, whatever their names', async ({ rooms }) => {
  const session = await rooms.begin()
  for (let i = 0; i < 10; i += 1) await rooms.ready(`n${i}`)
  const chosen: string[] = []
  for (let index = 0; index < 2000; index += 1) {
    const { node, n } = await rooms.place(session, index)
    chosen.push(node)
    await rooms.settle(session, index, n)
    rooms.time.now += 1
  }
  const shares = Object.values(tally(chosen))
  expect(shares).toHaveLength(10)
  expect(Math.max(...shares)).toBeLessThan(1.3 * 200)
  expect(Math.min(...shares)).toBeGreaterThan(0.7 * 200)
})

test('equal idle nodes share the work though they can do different things besides', async ({
  rooms,
}) => {
  const session = await rooms.begin()
  const besides = ['fr', 'de', 'it', 'pt']
  for (const [i, other] of besides.entries())
    for (let twin = 0; twin <= i % 2; twin += 1)
      await rooms.ready(`${other}${twin}`, {
        languages: {
          recognize: ['en'],
          translate: [
            ['en', 'es'],
            ['en', other],
          ],
          synthesize: [],
        },
      })
  const chosen: string[] = []
  for (let index = 0; index < 1200; index += 1) {
    const { node, n } = await rooms.place(session, index)
    chosen.push(node)
    await rooms.settle(session, index, n)
    rooms.time.now += 1
  }
  const shares = Object.values(tally(chosen))
  expect(shares).toHaveLength(6)
  expect(Math.max(...shares)).toBeLessThan(1.4 * 200)
})
