import { noNodeDetails } from '../../src/protocol/schemas.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { listen } from '../support/listen.ts'
import { expect, test } from '../support/test.ts'

test('an utterance that fails on one node is done on another', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node({ LINGUA_NODE_ID: 'bad-1' })
  await world.node({ LINGUA_NODE_ID: 'good-1' })
  const session = await world.client(scheduler)
  const heard = listen(session)
  for (let i = 0; i < 6; i += 1) {
    session.append(scriptedAudio({ text: `${i}`, failures: 99, on: 'bad' }))
    await session.commit()
  }
  const finals = await heard.finals(6)
  expect(finals.map(({ outcome, node }) => [outcome, node])).toEqual(
    Array.from({ length: 6 }, () => ['translated', 'good-1']),
  )
})

test('a one-node fleet tries again on its node', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler)
  const heard = listen(session)
  session.append(scriptedAudio({ text: 'third time', failures: 2 }))
  await session.commit()
  expect(await heard.final(0)).toMatchObject({ outcome: 'translated', attempts: 3 })
})

test('an utterance that fails everywhere ends in its place and harms no other', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler)
  const heard = listen(session)
  session.append(scriptedAudio({ failures: 99 }))
  await session.commit()
  session.append(scriptedAudio({ text: 'fine' }))
  await session.commit()
  const finals = await heard.finals(2)
  expect(finals).toMatchObject([
    { seq: 1, index: 0, outcome: 'failed', error: { code: 'attempts_exhausted' } },
    { seq: 2, index: 1, outcome: 'translated' },
  ])
})

test('audio that cannot be read fails at once, without another try', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler)
  const heard = listen(session)
  session.append(scriptedAudio({ outcome: 'failed', code: 'bad_audio' }))
  await session.commit()
  expect(await heard.final(0)).toMatchObject({
    outcome: 'failed',
    error: { code: 'bad_audio' },
    attempts: 1,
  })
})

test('an utterance that no node can take fails by the start deadline, the next one is served', async ({
  world,
}) => {
  const scheduler = await world.scheduler({ LINGUA_START_DEADLINE_MS: '600' })
  const leaving = await world.node()
  const session = await world.client(scheduler)
  const heard = listen(session)
  await leaving.stop(1000)
  session.append(scriptedAudio({ text: 'too early' }))
  await session.commit()
  expect(await heard.final(0)).toMatchObject({
    outcome: 'failed',
    error: { code: 'no_node', details: { excluded: { full: 0, unable: 0 } } },
  })
  await world.node()
  session.append(scriptedAudio({ text: 'in time' }))
  await session.commit()
  expect(await heard.final(1)).toMatchObject({ outcome: 'translated', transcript: 'in time' })
})

test('a node that lacks an engine is not asked again, and no_node says how many do', async ({
  world,
}) => {
  const scheduler = await world.scheduler({ LINGUA_START_DEADLINE_MS: '600' })
  for (const id of ['lacking-1', 'lacking-2']) await world.node({ LINGUA_NODE_ID: id })
  const session = await world.client(scheduler)
  const heard = listen(session)
  const attempts: number[] = []
  session.on('progress', ({ stage, attempt }) => stage === 'started' && attempts.push(attempt))
  session.append(scriptedAudio({ failures: 9, code: 'engine_missing' }))
  await session.commit()
  const { error } = await heard.final(0)
  expect(error).toMatchObject({
    code: 'no_node',
    message: 'of the nodes that serve this pair 0 are full and 2 unable',
  })
  expect(noNodeDetails.parse(error?.details)).toEqual({ excluded: { full: 0, unable: 2 } })
  expect(attempts).toEqual([1, 2])
})

test('a missing head holds the others back for a bounded time, then comes late', async ({
  world,
}) => {
  const scheduler = await world.scheduler({ LINGUA_HEAD_WAIT_MS: '300' })
  await world.node({ LINGUA_NODE_CAPACITY: '4' })
  const session = await world.client(scheduler)
  const heard = listen(session)
  for (const recognizeMs of [1200, 0, 0]) {
    session.append(scriptedAudio({ text: `${recognizeMs}`, recognizeMs }))
    await session.commit()
  }
  await heard.finals(3)
  expect(
    heard.results.map((each) => [each.seq, each.index, each.kind, 'late' in each && each.late]),
  ).toEqual([
    [1, 0, 'gap', false],
    [2, 1, 'final', false],
    [3, 2, 'final', false],
    [4, 0, 'final', true],
  ])
})

test('work of a node that drains is done by another', async ({ world }) => {
  const scheduler = await world.scheduler()
  const leaving = await world.node({ LINGUA_NODE_ID: 'leaving', LINGUA_NODE_CAPACITY: '1' })
  const session = await world.client(scheduler)
  const heard = listen(session)
  for (let i = 0; i < 3; i += 1) {
    session.append(scriptedAudio({ text: `${i}`, recognizeMs: 1500 }))
    await session.commit()
  }
  await world.node({ LINGUA_NODE_ID: 'staying' })
  await leaving.stop(3000)
  const finals = await heard.finals(3)
  expect(finals.map(({ outcome }) => outcome)).toEqual(['translated', 'translated', 'translated'])
  expect(finals.map(({ node }) => node)).toContain('staying')
})
