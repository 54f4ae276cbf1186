import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { nodeId } from '../../src/protocol/ids.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { entryOf } from '../../src/platform/entry.ts'
import { expect, test, type World } from '../support/test.ts'

const TOOL = entryOf(import.meta.url, '../../src/tools/explain.ts').pathname

const explain = async (scheduler: { url: string }, query = 'source=en&target=es') => {
  const response = await fetch(`${scheduler.url}/v1/explain?${query}`)
  return { status: response.status, body: await response.json() }
}

/** Two nodes of which one has work in hand, one that is another's, and two that are not to be had. */
async function buildFleet(world: World) {
  const scheduler = await world.scheduler()
  await world.node({ LINGUA_NODE_ID: 'busy' })
  const session = await world.client(scheduler)
  session.append(scriptedAudio({ text: 'long', recognizeMs: 5000 }))
  await session.commit()
  const { control, keys } = await world.store()
  await expect.poll(() => control.zcard(keys.deadlines)).toBe(1)
  await world.node({ LINGUA_NODE_ID: 'idle' })
  await world.node({ LINGUA_NODE_ID: 'other', LINGUA_NODE_PAIRS: 'en>fr' })
  const unable = await world.node({ LINGUA_NODE_ID: 'unable' })
  for (const pair of ['en>es', 'en>es+speech'])
    await control.set(keys.unable(nodeId(unable.id), pair), 1)
  return { scheduler, session, control, keys }
}

test('explain tells the choice, and of every other node why it is not chosen', async ({
  world,
}) => {
  const { scheduler } = await buildFleet(world)
  expect(await explain(scheduler)).toEqual({
    status: 200,
    body: {
      pairs: ['en>es'],
      chosen: 'idle',
      waiting: 0,
      nodes: [
        { node: 'idle', verdict: 'chosen', held: 0, capacity: 2, waitMs: 0 },
        { node: 'busy', verdict: 'longer_wait', held: 1, capacity: 2, waitMs: 50 },
        { node: 'unable', verdict: 'unable', held: 0, capacity: 2 },
        { node: 'other', verdict: 'other_pair', held: 0, capacity: 2 },
      ],
    },
  })
})

test('explain says that a new utterance would wait in line, and how many do', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node({ LINGUA_NODE_ID: 'only', LINGUA_NODE_CAPACITY: '1' })
  const session = await world.client(scheduler)
  for (let i = 0; i < 5; i += 1) {
    session.append(scriptedAudio({ text: `${i}`, recognizeMs: 5000 }))
    await session.commit()
  }
  await expect
    .poll(() => explain(scheduler))
    .toMatchObject({
      body: {
        chosen: null,
        waiting: 2,
        nodes: [{ node: 'only', verdict: 'full', held: 3, capacity: 1 }],
      },
    })
})

test('explain calls nodes as good as the chosen one equal', async ({ world }) => {
  const scheduler = await world.scheduler()
  for (const id of ['a', 'b']) await world.node({ LINGUA_NODE_ID: id })
  const { body } = await explain(scheduler, 'source=en&target=es&speech=1')
  expect(body).toMatchObject({
    pairs: ['en>es+speech'],
    nodes: [{ verdict: 'chosen' }, { verdict: 'equal' }],
  })
})

test('explain changes nothing', async ({ world }) => {
  const { scheduler, control, keys } = await buildFleet(world)
  const state = async () => ({
    keys: (await control.keys(`${keys.prefix}:*`)).toSorted(),
    slots: await control.zrange(keys.deadlines, '0', '-1'),
  })
  const before = await state()
  for (let i = 0; i < 5; i += 1) await explain(scheduler)
  expect(await state()).toEqual(before)
})

test('a question that is none is refused with what is wrong with it', async ({ world }) => {
  const scheduler = await world.scheduler()
  for (const query of ['', 'source=en', 'source=EN&target=es', 'source=en&target=es&speech=yes'])
    expect(await explain(scheduler, query)).toMatchObject({
      status: 400,
      body: { error: { code: 'bad_request' } },
    })
})

test('a page of another site is told nothing', async ({ world }) => {
  const scheduler = await world.scheduler()
  const response = await fetch(`${scheduler.url}/v1/explain?source=en&target=es`, {
    headers: { origin: 'https://evil.example' },
  })
  expect(response.status).toBe(403)
  expect(await response.json()).toMatchObject({ error: { code: 'forbidden_origin' } })
})

const run = async (...args: string[]) =>
  promisify(execFile)(process.execPath, [TOOL, ...args]).catch((error: unknown) => error)

test('npm run explain prints the choice as a table, in plain text where nobody looks', async ({
  world,
}) => {
  const { scheduler } = await buildFleet(world)
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...[TOOL, 'en', 'es', '--speech', '--url', scheduler.url],
  ])
  expect(stdout.split('\n')).toEqual([
    'en>es+speech: idle',
    'node     wait  in hand  why',
    'idle     0 ms      0/6  would be chosen',
    'busy    50 ms      1/6  the wait there is longer',
    'unable      -      0/6  lacked an engine for this within the last minute',
    'other       -      0/6  does not serve this pair',
    '',
  ])
})

test('npm run explain says what is missing', async () => {
  expect(await run('en', 'es', '--url', 'http://127.0.0.1:1')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no scheduler answers at http://127.0.0.1:1'),
  })
  expect(await run('en')).toMatchObject({ code: 1, stderr: expect.stringContaining('en es') })
  expect(await run('--help')).toMatchObject({ stdout: expect.stringContaining('Usage:') })
})
