import { sessionId } from '../../src/protocol/ids.ts'
import { dial, resumeOf, say, START } from '../support/dial.ts'
import { expect, test } from '../support/test.ts'

test('a session that was closed while its client was away answers the rest, and takes nothing', async ({
  world,
  store,
}) => {
  const { control, keys, audio, audioKeys } = store
  const { url } = await world.scheduler()
  await world.node()
  const first = dial(url, START)
  const grant = await first.opened
  const id = sessionId(grant.id)
  say(first, 0, 'the last words')
  await first.commit(0)
  expect(await first.close()).toEqual({ ok: true, lastIndex: 0, unfinished: 0 })
  first.link.drop()
  const before = await audio.hgetall(audioKeys.audio(id))

  const second = dial(url, resumeOf(grant, 0))
  const again = await second.opened
  expect(again).toMatchObject({ id: grant.id, nextChunk: 1 })
  await expect.poll(() => second.told).toEqual(['closed: close'])
  expect(second.results).toMatchObject([{ seq: 1, index: 0, transcript: 'the last words' }])
  say(second, 1, 'one more')
  expect(await second.commit(0)).toEqual({ ok: true, index: 0 })
  expect(await second.commit(1)).toMatchObject({ ok: false, error: { code: 'chunk_gap' } })
  expect(await second.close()).toEqual({ ok: true, lastIndex: 0, unfinished: 0 })
  const { epoch: _, ...same } = before
  expect(await audio.hgetall(audioKeys.audio(id))).toMatchObject(same)
  expect(await audio.exists(audioKeys.segment(id, 1))).toBe(0)
  expect(await control.zcard(keys.sessions)).toBe(0)
  second.link.drop()

  const third = dial(url, resumeOf(again, 0))
  await third.opened
  await expect.poll(() => third.told).toEqual(['closed: close'])
  expect(third.results).toHaveLength(1)
  third.link.drop()
})

test('a closed session is there as long as its outbox, and then unknown', async ({
  world,
  store,
}) => {
  const { url } = await world.scheduler()
  await world.node()
  const first = dial(url, START)
  const grant = await first.opened
  await first.close()
  first.link.drop()
  for (const key of await store.control.keys(`*${grant.id}*`)) await store.control.pexpire(key, 1)
  await expect.poll(() => store.control.keys(`*${grant.id}*`)).toEqual([])
  await expect(dial(url, resumeOf(grant, -1)).opened).rejects.toMatchObject({
    code: 'session_not_found',
  })
})
