import type { Redis } from 'ioredis'
import { UTTERANCES } from '../../src/protocol/jobs.ts'
import { sessionId } from '../../src/protocol/ids.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { expect, test } from '../support/test.ts'

const SOON = { LINGUA_RESUME_WINDOW_MS: '1000' }
const PATIENCE = { timeout: 12_000, interval: 50 }

/** Everything in Redis that carries a name, by its name. */
async function keysWith(redis: Redis, name: string): Promise<readonly string[]> {
  return (await redis.keys(`*${name}*`)).toSorted()
}

test('a session that nobody comes back to is cut, translated and closed', async ({
  world,
  store,
}) => {
  const { control, keys } = store
  const scheduler = await world.scheduler(SOON)
  await world.node()
  const session = await world.client(scheduler)
  session.append(scriptedAudio({ text: 'committed', recognizeMs: 500 }))
  await session.commit()
  session.append(scriptedAudio({ text: 'never committed' }))
  await expect.poll(async () => (await store.audio.keys(`*{${session.id}}:1`)).length).toBe(1)
  session.leave()
  const id = sessionId(session.id)
  await expect.poll(() => control.hget(keys.session(id), 'state'), PATIENCE).toBe('closed')
  const results = await control.xrange(keys.outbox(id), '-', '+')
  const texts = results.map(([, fields]) => /"transcript":"([^"]*)"/.exec(fields.join(' '))?.[1])
  expect(texts).toEqual(['committed', 'never committed'])
  expect(await control.hmget(keys.session(id), 'reason')).toEqual(['abandoned'])
  expect(await control.zcard(keys.sessions)).toBe(0)
})

test('after a session has ended and its time has passed no key carries its id', async ({
  world,
  store,
}) => {
  const { control, keys } = store
  const scheduler = await world.scheduler({ ...SOON, LINGUA_AFFINITY: 'session' })
  await world.node()
  const session = await world.client(scheduler, { speech: true })
  session.append(scriptedAudio({ text: 'said', speechBytes: 3200 }))
  await session.commit()
  session.append(scriptedAudio({ text: 'cancelled', hang: 9 }))
  await session.cancel((await session.commit()) ?? 0)
  session.append(scriptedAudio({ text: 'left open', speechBytes: 3200 }))
  await expect.poll(async () => (await store.audio.keys(`*{${session.id}}:2`)).length).toBe(1)
  session.leave()
  const state = () => control.hget(keys.session(sessionId(session.id)), 'state')
  await expect.poll(state, PATIENCE).toBe('closed')

  const jobs = `${world.prefix}:${UTTERANCES}`
  const mine = (await keysWith(control, session.id)).filter((key) => !key.includes(':node-'))
  for (const key of mine.filter((each) => !each.startsWith(`${jobs}:u_`)))
    expect(await control.pttl(key), key).toBeGreaterThan(0)
  // Time passes: what has a life ends, and finished jobs are as old as the watch lets them become.
  for (const key of mine) if (!key.startsWith(jobs)) await control.pexpire(key, 1)
  for (const job of await control.zrange(`${jobs}:completed`, 0, '-1'))
    await control.zadd(`${jobs}:completed`, Date.now() - 600_001, job)
  const left = async () =>
    (await keysWith(control, session.id)).filter((key) => !key.includes(':node-'))
  await expect.poll(left, { timeout: 14_000 }).toEqual([])
  for (const listed of [keys.sessions, keys.heads, keys.deadlines])
    expect(await control.zcard(listed), listed).toBe(0)
}, 40_000)

test('a session that is held is no orphan, however short the window is', async ({
  world,
  store,
}) => {
  const { control, keys } = store
  const scheduler = await world.scheduler(SOON)
  await world.node()
  const session = await world.client(scheduler)
  const seen = new Set<string | null>()
  const touches = async () => seen.add(await control.zscore(keys.sessions, session.id)).size
  await expect.poll(touches, PATIENCE).toBeGreaterThan(8)
  session.append(scriptedAudio({ text: 'still here' }))
  expect(await session.commit()).toBe(0)
  await session.close()
})
