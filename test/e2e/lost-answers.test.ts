import type { Redis } from 'ioredis'
import { UTTERANCES } from '../../src/protocol/jobs.ts'
import { dial, resumeOf, say, START } from '../support/dial.ts'
import { expect, test } from '../support/test.ts'

/** Each event has its effect, and the socket is cut before its answer: the client asks again. */
const jobsOf = async (redis: Redis, prefix: string): Promise<number> => {
  const names = await redis.keys(`${prefix}:${UTTERANCES}:u_*`)
  return names.filter((name) => /_\d+$/.test(name)).length
}

test('of session.start: the client begins anew, and nobody is locked out', async ({ world }) => {
  const { url } = await world.scheduler()
  await world.node()
  const first = dial(url, START)
  await first.opened
  first.link.drop()
  const second = dial(url, START)
  await second.opened
  say(second, 0, 'heard')
  expect(await second.commit(0)).toEqual({ ok: true, index: 0 })
  second.link.drop()
})

test('of a resume, again and again: the token that the client holds opens its session', async ({
  world,
}) => {
  const { url } = await world.scheduler()
  await world.node()
  const first = dial(url, START)
  const grant = await first.opened
  say(first, 0, 'once')
  await first.commit(0)
  first.link.drop()
  for (let i = 0; i < 3; i += 1) {
    const lost = dial(url, resumeOf(grant, 0))
    await lost.opened
    lost.link.drop()
  }
  const last = dial(url, resumeOf(grant, 0))
  const again = await last.opened
  await expect.poll(() => last.results.length).toBe(1)
  say(last, 1, 'twice')
  expect(await last.commit(1)).toEqual({ ok: true, index: 1 })
  last.link.drop()
  await expect(dial(url, resumeOf(grant, 0)).opened).rejects.toMatchObject({
    code: 'resume_rejected',
  })
  const end = dial(url, resumeOf(again, 1))
  await end.opened
  end.link.drop()
})

test('of commit: the repeat answers the same index, and there is one utterance', async ({
  world,
  store,
}) => {
  const { url } = await world.scheduler()
  await world.node()
  const first = dial(url, START)
  const grant = await first.opened
  say(first, 0, 'one')
  await first.commit(0)
  first.link.drop()
  const second = dial(url, resumeOf(grant, 0))
  await second.opened
  expect(await second.commit(0)).toEqual({ ok: true, index: 0 })
  say(second, 1, 'two')
  expect(await second.commit(1)).toEqual({ ok: true, index: 1 })
  expect(await second.commit(0)).toEqual({ ok: true, index: 0 })
  await expect.poll(() => second.results.length).toBe(2)
  expect(await jobsOf(store.control, world.prefix)).toBe(2)
  second.link.drop()
})

test('of cancel: the repeat says that it has its outcome, which comes once', async ({ world }) => {
  const { url } = await world.scheduler()
  await world.node()
  const first = dial(url, START)
  const grant = await first.opened
  say(first, 0, 'never', { hang: 9 })
  await first.commit(0)
  expect(await first.cancel(0)).toEqual({ ok: true, cancelled: true })
  first.link.drop()
  const second = dial(url, resumeOf(grant, 0))
  await second.opened
  expect(await second.cancel(0)).toEqual({ ok: true, cancelled: false })
  await expect.poll(() => second.results.length).toBe(1)
  expect(second.results).toMatchObject([{ index: 0, outcome: 'cancelled' }])
  expect(await second.close()).toEqual({ ok: true, lastIndex: 0, unfinished: 0 })
  second.link.drop()
})

test('of close: the repeat answers what the first one did, after the last result', async ({
  world,
}) => {
  const { url } = await world.scheduler()
  await world.node()
  const first = dial(url, START)
  const grant = await first.opened
  say(first, 0, 'one')
  await first.commit(0)
  say(first, 1, 'two')
  expect(await first.close()).toEqual({ ok: true, lastIndex: 1, unfinished: 0 })
  first.link.drop()
  const second = dial(url, resumeOf(grant, 1))
  await second.opened
  expect(await second.close()).toEqual({ ok: true, lastIndex: 1, unfinished: 0 })
  expect(second.results.map(({ index }) => index)).toEqual([0, 1])
  second.link.drop()
})
