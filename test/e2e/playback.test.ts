import { setTimeout as pause } from 'node:timers/promises'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { listen } from '../support/listen.ts'
import { expect, test } from '../support/test.ts'

const PAUSE_MS = 150
const PAUSES = { source: 'en', target: 'es', endpointing: { mode: 'gap', pauseMs: PAUSE_MS } }

test('while a result is played no pause cuts, audio is stored, and its end lets the pause count', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const client = world.raw(scheduler)
  await client.grant(PAUSES)
  client.append(0, scriptedAudio({ text: 'hello' }))
  const { seq } = await client.until(() => client.results[0])
  expect(await client.ask('playback.started', { seq })).toEqual({ ok: true })
  client.append(1, scriptedAudio({ text: 'more' }))
  await client.until(() => client.acked === 1)
  // Not a wait for anything: a pause that would cut.
  await pause(PAUSE_MS * 3)
  expect(await client.ask('playback.started', { seq })).toEqual({ ok: true })
  expect(client.finalized).toHaveLength(1)
  const endedAt = performance.now()
  expect(await client.ask('playback.ended', { seq })).toEqual({ ok: true })
  expect(await client.until(() => client.finalized[1])).toMatchObject({ reason: 'pause' })
  expect(performance.now() - endedAt).toBeLessThan(PAUSE_MS * 3)
})

test('a commit cuts whatever is played, and the end of something else ends nothing', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const client = world.raw(scheduler)
  await client.grant(PAUSES)
  for (const chunk of [0, 1]) {
    client.append(chunk, scriptedAudio({ text: `${chunk}` }))
    await client.ask('utterance.commit', { through: chunk })
  }
  await client.until(() => client.results[1])
  await client.ask('playback.started', { seq: 1 })
  await client.ask('playback.started', { seq: 2 })
  await client.ask('playback.ended', { seq: 1 })
  client.append(2, scriptedAudio({ text: '2' }))
  await client.until(() => client.acked === 2)
  await pause(PAUSE_MS * 3)
  expect(await client.ask('utterance.commit', { through: 2 })).toEqual({ ok: true, index: 2 })
  expect(client.finalized.map(({ reason }) => reason)).toEqual(['manual', 'manual', 'manual'])
})

test('only what was sent can be played', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const client = world.raw(scheduler)
  expect(await client.ask('playback.started', { seq: 1 })).toMatchObject({
    error: { code: 'session_not_started' },
  })
  await client.grant(PAUSES)
  for (const seq of [0, 1, -1, '1'])
    for (const event of ['playback.started', 'playback.ended'] as const)
      expect(await client.ask(event, { seq })).toMatchObject({ error: { code: 'bad_request' } })
})

test('the client library tells of playback as it does of everything else', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler, {
    endpointing: { mode: 'gap', pauseMs: PAUSE_MS },
  })
  const heard = listen(session)
  const finalized: number[] = []
  session.on('finalized', ({ index }) => finalized.push(index))
  session.append(scriptedAudio({ text: 'hello' }))
  const { seq } = await heard.final(0)
  await session.playbackStarted(seq)
  session.append(scriptedAudio({ text: 'more' }))
  await pause(PAUSE_MS * 3)
  expect(finalized).toEqual([0])
  await session.playbackEnded(seq)
  expect(await heard.final(1)).toMatchObject({ transcript: 'more' })
  await expect(session.playbackStarted(9)).rejects.toMatchObject({ code: 'bad_request' })
})
