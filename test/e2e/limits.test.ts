import { SignJWT } from 'jose'
import { LIMITS } from '../../src/platform/limits.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import type { RawClient } from '../support/raw-client.ts'
import { expect, test } from '../support/test.ts'

const LANGUAGES = { source: 'en', target: 'es' } as const
const CHUNK_MS = 100
const CHUNK = Buffer.alloc(CHUNK_MS * 32, 1)
const LONG = { mode: 'manual', maxDurationMs: 60_000 } as const
const BURST = LIMITS.burstMs / CHUNK_MS

const send = (client: RawClient, from: number, to: number): void => {
  for (let chunk = from; chunk < to; chunk += 1) client.append(chunk, CHUNK)
}

test('audio beyond the burst is refused once, announced, and taken when its time has come', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const client = world.raw(scheduler)
  await client.grant({ ...LANGUAGES, endpointing: LONG })
  send(client, 0, BURST + 100)
  const refusal = await client.until(() => client.errors[0])
  const expected = Number(refusal.details?.['expected'])
  expect(refusal).toMatchObject({ code: 'rate_limited', fatal: false })
  expect(expected).toBeGreaterThanOrEqual(BURST)
  await client.until(() => client.acked === expected - 1)
  expect(client.errors).toHaveLength(1)
  expect(client.advice).toMatchObject([
    { action: 'slow' },
    { action: 'pause', retryAfterMs: refusal.retryAfterMs },
  ])
  expect(await client.ask('utterance.commit', { through: BURST + 99 })).toMatchObject({
    ok: false,
    error: { code: 'rate_limited', details: { expected } },
  })
  // Not a wait for anything: what the refusal asked for.
  await new Promise((resolve) => void setTimeout(resolve, refusal.retryAfterMs))
  send(client, expected, expected + 40)
  await client.until(() => client.acked === expected + 39)
  expect(client.advice.map(({ action }) => action)).toEqual(['slow', 'pause', 'slow'])
  expect(client.errors).toHaveLength(1)
})

test('a client that sends on whatever is refused is cut off, and its session can be resumed', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const client = world.raw(scheduler)
  const { id, resumeToken } = await client.grant({ ...LANGUAGES, endpointing: LONG })
  send(client, 0, BURST + LIMITS.excessMs / CHUNK_MS + 200)
  await client.until(() => client.socket.disconnected)
  expect(client.errors.map(({ code, fatal }) => [code, fatal])).toEqual([
    ['rate_limited', false],
    ['rate_limited', true],
  ])
  const again = world.raw(scheduler)
  const resumed = await again.grant({
    resume: {
      ...{ sessionId: id, token: resumeToken },
      ...{ lastSeq: 0, lastIndex: -1, ackedChunk: client.acked, firstChunk: 0 },
    },
  })
  expect(resumed.nextChunk).toBeGreaterThanOrEqual(BURST)
})

test('the library sends what is more than a burst as fast as it may, and nothing is lost', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler, { endpointing: LONG })
  const fatal: string[] = []
  session.on('closed', ({ reason }) => fatal.push(reason))
  const cut = new Promise<number>((resolve) => {
    session.on('finalized', ({ durationMs }) => resolve(durationMs))
  })
  const began = performance.now()
  session.append(Buffer.alloc((LIMITS.burstMs + 4000) * 32, 1))
  expect(await session.commit()).toBe(0)
  expect(await cut).toBe(LIMITS.burstMs + 4000)
  expect(performance.now() - began).toBeLessThan(5000)
  expect(fatal).toEqual([])
})

test('with too much unfinished nothing is cut, then nothing is taken, until there is room', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node({ LINGUA_NODE_CAPACITY: '16' })
  const client = world.raw(scheduler)
  await client.grant({
    ...LANGUAGES,
    endpointing: { mode: 'gap', pauseMs: 100, maxDurationMs: 1000 },
  })
  for (let chunk = 0; chunk < LIMITS.maxUnfinished; chunk += 1) {
    client.append(chunk, scriptedAudio({ hang: 99 }, CHUNK.length))
    expect(await client.ask('utterance.commit', { through: chunk })).toMatchObject({ index: chunk })
  }
  expect(client.advice).toEqual([{ action: 'slow' }])
  expect(await client.ask('utterance.commit', { through: 3 })).toEqual({ ok: true, index: 3 })
  const first = LIMITS.maxUnfinished
  // Longer than a pause, and as long as an utterance may be: one chunk more is too much.
  send(client, first, first + 1)
  await client.until(() => client.acked === first)
  await new Promise((resolve) => void setTimeout(resolve, 250))
  send(client, first + 1, first + 12)
  const refusal = await client.until(() => client.errors[0])
  expect(refusal).toMatchObject({
    code: 'overloaded',
    retryAfterMs: LIMITS.overloadedRetryMs,
    details: { expected: first + 10 },
  })
  expect(client.advice.at(-1)).toMatchObject({ action: 'pause' })
  expect(client.finalized).toHaveLength(LIMITS.maxUnfinished)
  expect(await client.ask('utterance.commit', { through: first })).toMatchObject({
    ok: false,
    error: { code: 'overloaded' },
  })
  expect(await client.ask('utterance.cancel', { index: 0 })).toEqual({ ok: true, cancelled: true })
  const cut = await client.until(() => client.finalized[LIMITS.maxUnfinished])
  expect(cut).toMatchObject({ index: LIMITS.maxUnfinished, durationMs: 1000 })
  expect(client.advice.map(({ action }) => action).slice(2)).toEqual(['resume', 'slow'])
  send(client, first + 10, first + 12)
  await client.until(() => client.acked === first + 11)
})

test('a subject has so many sessions at a time, however the others end', async ({ world }) => {
  const secret = 'a secret of thirty-two characters'
  const scheduler = await world.scheduler({ LINGUA_AUTH_SECRET: secret })
  await world.node()
  const tokenOf = (sub: string) =>
    new SignJWT({ sub, aud: 'linguamq' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('5 min')
      .sign(new TextEncoder().encode(secret))
  const ada = await tokenOf('ada')
  const open = async (token: string) => {
    const client = world.raw(scheduler, token)
    return { client, answer: await client.start() }
  }
  const all = await Promise.all(
    Array.from({ length: LIMITS.maxSessionsOfSubject + 3 }, () => open(ada)),
  )
  const refused = all.filter(({ answer }) => !answer.ok)
  expect(refused.map(({ answer }) => answer)).toMatchObject(
    Array.from({ length: 3 }, () => ({
      error: { code: 'too_many_sessions', retryAfterMs: LIMITS.tooManyRetryMs },
    })),
  )
  expect((await open(await tokenOf('eve'))).answer.ok).toBe(true)
  const granted = all.find(({ answer }) => answer.ok)
  expect(await granted?.client.ask('session.close')).toMatchObject({ ok: true })
  expect(await refused[0]?.client.start()).toMatchObject({ ok: true })
  expect((await open(ada)).answer.ok).toBe(false)
})
