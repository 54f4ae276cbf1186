import { gatewayId, sessionId } from '../../src/protocol/ids.ts'
import type { SessionGrant } from '../../src/protocol/events.ts'
import { scriptedAudio, type Script } from '../../workers/engines/scripted.ts'
import type { RawClient } from '../support/raw-client.ts'
import { expect, test } from '../support/test.ts'

const close = (client: RawClient) => client.ask('session.close')
const say = (client: RawClient, chunk: number, script: Script) =>
  client.append(chunk, scriptedAudio(script))
const commit = (client: RawClient, through: number) => client.ask('utterance.commit', { through })
const resumeOf = ({ id, resumeToken }: SessionGrant, lastSeq = 0) => ({
  resume: {
    ...{ sessionId: id, token: resumeToken },
    ...{ lastSeq, lastIndex: -1, ackedChunk: -1, firstChunk: 0 },
  },
})

test('asked twice, and once more when it is done, close answers the same behind the last result', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const client = world.raw(scheduler)
  await client.grant()
  say(client, 0, { text: 'a', recognizeMs: 50 })
  await commit(client, 0)
  say(client, 1, { text: 'b', recognizeMs: 150 })
  const resultsAt: number[] = []
  const ask = async () => {
    const answer = await close(client)
    resultsAt.push(client.results.length)
    return answer
  }
  const answers = await Promise.all([ask(), ask()])
  answers.push(await ask())
  expect(answers).toEqual(answers.map(() => ({ ok: true, lastIndex: 1, unfinished: 0 })))
  expect(resultsAt).toEqual([2, 2, 2])
  expect(client.closed).toBe('close')
})

test('audio after a close is refused, while it drains and when it is done', async ({
  world,
  store,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const client = world.raw(scheduler)
  const { id } = await client.grant()
  say(client, 0, { text: 'a', recognizeMs: 200 })
  const closing = close(client)
  say(client, 1, { text: 'too late' })
  say(client, 2, { text: 'too late' })
  expect(await client.until(() => client.errors[0])).toMatchObject({
    code: 'session_not_started',
    fatal: false,
  })
  expect(await closing).toEqual({ ok: true, lastIndex: 0, unfinished: 0 })
  say(client, 1, { text: 'much too late' })
  await client.until(() => client.errors[1])
  expect(await commit(client, 0)).toEqual({ ok: true, index: 0 })
  expect(await commit(client, 1)).toMatchObject({ ok: false, error: { code: 'chunk_gap' } })
  expect(await store.audio.hget(store.audioKeys.audio(sessionId(id)), 'next')).toBe('1')
})

test('a close whose answer was lost is answered the same after a resume', async ({ world }) => {
  const schedulers = [await world.scheduler(), await world.scheduler()] as const
  await world.node()
  const first = world.raw(schedulers[0])
  const grant = await first.grant()
  say(first, 0, { text: 'a' })
  await commit(first, 0)
  expect(await close(first)).toEqual({ ok: true, lastIndex: 0, unfinished: 0 })
  first.leave()
  const second = world.raw(schedulers[1])
  await second.grant(resumeOf(grant))
  expect(await close(second)).toEqual({ ok: true, lastIndex: 0, unfinished: 0 })
  expect(second.results).toHaveLength(1)
  expect(await second.until(() => second.closed)).toBe('close')
  second.append(1, scriptedAudio({ text: 'too late' }))
  expect(await second.until(() => second.errors[0])).toMatchObject({ code: 'session_not_started' })
})

test('a close that was cut off while it drained goes on where it is asked again', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const first = world.raw(scheduler)
  const grant = await first.grant()
  say(first, 0, { text: 'a', recognizeMs: 500 })
  const lost = close(first)
  await first.until(() => first.finalized[0])
  first.leave()
  await expect(lost).rejects.toThrow('disconnected')
  const second = world.raw(scheduler)
  await second.grant(resumeOf(grant))
  expect(await close(second)).toEqual({ ok: true, lastIndex: 0, unfinished: 0 })
  expect(second.results).toHaveLength(1)
})

test('a close behind a refused chunk is refused like it, and closes when that was sent again', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const client = world.raw(scheduler)
  await client.grant()
  say(client, 0, { text: 'a' })
  say(client, 2, { text: 'c' })
  expect(await close(client)).toMatchObject({
    ok: false,
    error: { code: 'chunk_gap', details: { expected: 1 } },
  })
  client.append(1, Buffer.alloc(100))
  client.append(2, Buffer.alloc(100))
  expect(await close(client)).toEqual({ ok: true, lastIndex: 0, unfinished: 0 })
  expect(client.acked).toBe(2)
})

test('a session closed as a slow consumer answers a close, and cuts nothing more', async ({
  world,
  store,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const client = world.raw(scheduler)
  const { id } = await client.grant()
  say(client, 0, { hang: 99 })
  await commit(client, 0)
  say(client, 1, { text: 'open' })
  await client.until(() => client.acked === 1)
  const { control, keys } = store
  const gateway = await control.hget(keys.session(sessionId(id)), 'gateway')
  // As the script that settles one result too many.
  await control.hset(keys.session(sessionId(id)), 'state', 'closed', 'reason', 'slow_consumer')
  await control.publish(keys.gateway(gatewayId(gateway ?? '')), `overflow ${id}`)
  expect(await client.until(() => client.closed)).toBe('slow_consumer')
  const answer = { ok: true, lastIndex: 0, unfinished: 1 }
  expect([await close(client), await close(client)]).toEqual([answer, answer])
  say(client, 2, { text: 'too late' })
  expect(await client.until(() => client.errors[1])).toMatchObject({ code: 'session_not_started' })
  expect(await control.hget(keys.session(sessionId(id)), 'reason')).toBe('slow_consumer')
  expect(client.finalized).toHaveLength(1)
})
