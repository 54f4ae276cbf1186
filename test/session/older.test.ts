import type { Redis } from 'ioredis'
import type { Store } from '../../src/platform/redis.ts'
import { expect, test } from '../support/store.ts'
import { openRoom } from './room.ts'

const speech = (fill: number): Buffer => Buffer.alloc(3200, fill)

/** Everything of one session as it is now; put back by calling what it answers. */
async function remember(redis: Redis, id: string): Promise<() => Promise<void>> {
  const names = () => redis.keys(`*${id}*`)
  const kept = await Promise.all(
    (await names()).map(async (key) => [key, await redis.dumpBuffer(key)] as const),
  )
  return async () => {
    for (const key of await names()) await redis.del(key)
    for (const [key, value] of kept) await redis.restore(key, 600_000, value ?? '')
  }
}

/** A session that has said two utterances, the second of them after `before`. */
async function talk(store: Store) {
  const room = openRoom(store)
  const opened = await room.start({ mode: 'manual' })
  const { session } = opened
  await session.append(0, speech(1))
  await session.commit(0)
  const goBack = await remember(store.control, session.id)
  await session.append(1, speech(2))
  await session.commit(1)
  room.life.now = 'second'
  return { room, opened, session, goBack }
}

test('a cut that Redis forgot is told by the gateway, and gets its job under its index', async ({
  store,
}) => {
  const { room, opened, session, goBack } = await talk(store)
  room.jobs.clear()
  await goBack()
  expect(await room.restore(opened)).toBe(true)
  expect(await room.restore(opened)).toBe(true)
  const again = await room.resume(opened, { lastIndex: 1, ackedChunk: 1 })
  expect([...room.jobs.keys()]).toEqual([0, 1])
  expect(again).toMatchObject({ nextChunk: 2, lost: undefined })
  expect(await again.session.commit(1)).toBe(1)
  await again.session.append(2, speech(3))
  expect(await again.session.commit(2)).toBe(2)
  const job = room.jobs.get(2)
  expect(job && (await room.audioOf(job))).toEqual(speech(3))
  expect(session.lastIndex).toBe(1)
})

test('where the gateway is gone too, the client says which indices are taken, and sends its audio again', async ({
  store,
}) => {
  const { room, opened, goBack } = await talk(store)
  await goBack()
  room.jobs.clear()
  room.outcomes.add(0)
  const again = await room.resume(opened, { lastIndex: 1, ackedChunk: 1 })
  expect(again.nextChunk).toBe(1)
  expect(room.lost).toContain(1)
  await again.session.append(1, speech(2))
  expect(await again.session.commit(1)).toBe(2)
  const job = room.jobs.get(2)
  expect(job && (await room.audioOf(job))).toEqual(speech(2))
})

test('chunks that neither Redis nor the client holds are said to be lost', async ({ store }) => {
  const { room, opened, goBack } = await talk(store)
  await goBack()
  const known = { lastIndex: 1, ackedChunk: 7, firstChunk: 5 }
  const again = await room.resume(opened, known)
  expect(again).toMatchObject({ nextChunk: 5, lost: { from: 1, to: 4 } })
  await again.session.append(5, speech(6))
  expect(await again.session.commit(5)).toBe(2)
})

test('a session that has vanished goes on, with the token its client holds', async ({ store }) => {
  const room = openRoom(store)
  const opened = await room.start({ mode: 'manual' })
  await opened.session.append(0, speech(1))
  await opened.session.commit(0)
  room.jobs.clear()
  for (const key of await store.control.keys(`*${opened.session.id}*`)) await store.control.del(key)
  expect(await room.touch(opened)).toBe('unknown_session')
  await expect(opened.session.append(1, speech(2))).resolves.toMatchObject({
    kind: 'unknown_session',
  })
  expect(await room.restore(opened)).toBe(true)
  const again = await room.resume(opened, { lastIndex: 0, ackedChunk: 0 })
  expect(again.session.id).toBe(opened.session.id)
  expect([...room.jobs.keys()]).toEqual([0])
  await again.session.append(1, speech(2))
  expect(await again.session.commit(1)).toBe(1)
})

test('a gateway that does not know yet that Redis came back older cuts nothing under an old index', async ({
  store,
}) => {
  const { room, session, goBack } = await talk(store)
  let told = 0
  session.onOlder(() => (told += 1))
  await goBack()
  room.jobs.clear()
  await session.append(1, speech(2))
  await expect(session.commit(1)).rejects.toMatchObject({ code: 'dependency_down' })
  await expect(session.cutRest('close')).rejects.toMatchObject({ code: 'dependency_down' })
  expect(told).toBe(2)
  expect(room.jobs.size).toBe(0)
})

test('where nothing was lost, to be told and resumed in another life changes nothing', async ({
  store,
}) => {
  const { room, opened } = await talk(store)
  const before = await store.audio.hgetall(store.audioKeys.audio(opened.session.id))
  room.outcomes.add(0)
  room.outcomes.add(1)
  await store.control.hset(store.keys.outcomes(opened.session.id), { 0: '', 1: '' })
  await store.control.hset(store.keys.order(opened.session.id), { head: 2, seq: 2 })
  await room.restore(opened)
  const again = await room.resume(opened, { lastSeq: 2, lastIndex: 1, ackedChunk: 1 })
  expect(again).toMatchObject({ nextChunk: 2, lost: undefined })
  expect(room.lost).toEqual([])
  expect(again.session.lastIndex).toBe(1)
  const { epoch: _, 'cut:0': __, 'cut:1': ___, ...same } = before
  expect(await store.audio.hgetall(store.audioKeys.audio(opened.session.id))).toMatchObject(same)
})

test('what was restored half is restored whole by asking again', async ({ store }) => {
  const { room, opened, goBack } = await talk(store)
  await goBack()
  room.jobs.clear()
  // Only the audio plane had been told when the gateway asked again.
  const { control, keys } = store
  await room.restore(opened)
  await control.del(keys.session(opened.session.id))
  expect(await room.restore(opened)).toBe(true)
  await room.resume(opened, { lastIndex: 1, ackedChunk: 1 })
  expect([...room.jobs.keys()]).toEqual([0, 1])
})
