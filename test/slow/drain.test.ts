import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { inject } from 'vitest'
import { nodeId, type JobId } from '../../src/protocol/ids.ts'
import type { Store } from '../../src/platform/redis.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { expect, test, type Fleet } from '../support/fleet.ts'
import { listen } from '../support/listen.ts'

const TOOL = new URL('../../dist/src/tools/drain.js', import.meta.url).pathname
/** A node of one at a time holds three: one at work, two that wait. */
const IN_HAND = 3
/** Longer than it takes a node to come back and the tool to run. */
const AT_WORK_MS = 6000

/** The tool, as an operator calls it; what it printed and how it ended. */
async function drain(prefix: string, ...args: string[]) {
  const env = { ...process.env, REDIS_URL: inject('redisUrl'), LINGUA_KEY_PREFIX: prefix }
  const run = promisify(execFile)(process.execPath, [TOOL, ...args], { env })
  return run.then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    ({ stdout, stderr, code }: Record<string, unknown>) => ({ stdout, stderr, code }),
  )
}

/** A node with its hands full, and then another, which was away until now; a talker who goes on. */
async function buildBusy(fleet: Fleet, store: Store) {
  const { control, keys } = store
  const stateOf = (id: string) => control.hget(keys.node(nodeId(id)), 'state')
  const scheduler = await fleet.scheduler()
  const staying = await fleet.node('staying')
  staying.kill('SIGSTOP')
  await expect.poll(() => stateOf('staying'), { timeout: 10_000 }).toBe('gone')
  const leaving = await fleet.node('leaving', { LINGUA_NODE_CAPACITY: '1' })
  const session = await fleet.client([scheduler])
  const heard = listen(session)
  const started: string[] = []
  session.on('progress', ({ stage, index, attempt }) => {
    if (stage === 'started') started.push(`${index}.${attempt}`)
  })
  const say = async (text: string): Promise<void> => {
    session.append(scriptedAudio({ text, recognizeMs: AT_WORK_MS }))
    await session.commit()
  }
  for (let i = 0; i < IN_HAND; i += 1) await say(`${i}`)
  await expect.poll(() => started).toEqual(['0.1'])
  await expect.poll(() => control.zcard(keys.deadlines)).toBe(IN_HAND)
  staying.kill('SIGCONT')
  await expect.poll(() => stateOf('staying'), { timeout: 5000 }).toBe('ready')
  return { leaving, say, heard, session, started }
}

/** What is left of a node in Redis, apart from its record, once it has been fenced. */
async function traces({ control, keys }: Store, id: string): Promise<string[]> {
  const all = await control.keys(`${keys.prefix}:*`)
  return all.filter((key) => key.includes(id) && key !== keys.node(nodeId(id)))
}

async function expectNothingLost(
  { heard, leaving, session, started }: Awaited<ReturnType<typeof buildBusy>>,
  store: Store,
): Promise<void> {
  await heard.final(0)
  // What waited there did not wait for what ran.
  expect(started.toSorted()).toEqual(['0.1', '1.2', '2.2', '3.1'])
  const finals = await heard.finals(IN_HAND + 1)
  await leaving.ended
  expect(finals.map(({ transcript, outcome }) => [transcript, outcome])).toEqual(
    ['0', '1', '2', 'after'].map((text) => [text, 'translated']),
  )
  expect(finals.map(({ node }) => node)).toEqual(['leaving', 'staying', 'staying', 'staying'])
  expect(finals.map(({ attempts }) => attempts)).toEqual([1, 2, 2, 1])
  for (const index of [0, 1, 2, 3]) {
    const record = await store.control.hgetall(
      store.keys.attempt(`u_${session.id}_${index}` as JobId),
    )
    expect(record).not.toHaveProperty('errors')
    expect(record).not.toHaveProperty('rehomes')
  }
  await expect.poll(() => traces(store, 'leaving')).toEqual([])
  expect(await store.control.hget(store.keys.node(nodeId('leaving')), 'state')).toBe('gone')
}

test('a node that is ordered to drain finishes what runs, hands on what waits, and ends', async ({
  fleet,
  store,
  prefix,
}) => {
  const busy = await buildBusy(fleet, store)
  expect(await drain(prefix, 'leaving')).toEqual({
    stdout:
      'leaving drains: it is given nothing more and leaves when the 3 in its hands are finished or handed on\n',
    stderr: '',
    code: 0,
  })
  await busy.say('after')
  await expectNothingLost(busy, store)
  expect(await readFile(busy.leaving.log, 'utf8')).toContain('ordered to drain')
})

test('a node that gets SIGTERM does the same', async ({ fleet, store }) => {
  const busy = await buildBusy(fleet, store)
  busy.leaving.kill('SIGTERM')
  await expect
    .poll(() => store.control.hget(store.keys.node(nodeId('leaving')), 'state'))
    .not.toBe('ready')
  await busy.say('after')
  await expectNothingLost(busy, store)
})

test('an order that cannot be carried out is refused in clear words', async ({
  fleet,
  store,
  prefix,
}) => {
  const refused = (stderr: string) => ({ stdout: '', stderr: `drain: ${stderr}\n`, code: 1 })
  expect(await drain(prefix, 'n1')).toEqual(refused('no node n1 is in the fleet; there is none'))
  const node = await fleet.node('n1', { LINGUA_NODE_CAPACITY: '1' })
  expect(await drain(prefix, 'n2')).toEqual(refused('no node n2 is in the fleet; there are: n1'))
  expect(await drain(prefix)).toEqual(refused('the id of one node is needed'))
  expect(await drain(prefix, 'n 1')).toEqual(refused('the id of one node is needed'))
  expect((await drain(prefix, '--help')).stdout).toContain('Usage: npm run drain')
  node.kill('SIGSTOP')
  expect((await drain(prefix, 'n1')).stdout).toBe(
    'n1 drains: it is given nothing more and leaves at once\n',
  )
  expect((await drain(prefix, 'n1')).stdout).toBe('n1 was draining already: it leaves at once\n')
  node.kill('SIGCONT')
  await node.ended
  expect(await drain(prefix, 'n1')).toEqual(refused('n1 has left the fleet'))
  expect(await store.control.zrange(store.keys.nodes, '0', '-1')).toEqual([])
})
