import { createHash } from 'node:crypto'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { listen } from '../support/listen.ts'
import { expect, test } from '../support/test.ts'

test('speech in one language comes back as text in another', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler)
  const heard = listen(session)
  session.append(scriptedAudio({ text: 'good morning' }))
  expect(await session.commit()).toBe(0)
  expect(await heard.final(0)).toMatchObject({
    seq: 1,
    index: 0,
    outcome: 'translated',
    transcript: 'good morning',
    translation: '[es] good morning',
    attempts: 1,
  })
})

test('an utterance holds exactly the bytes that were sent', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler)
  const heard = listen(session)
  const parts = [1000, 64_000, 3202].map((bytes, i) => Buffer.alloc(bytes, `noise ${i}`))
  for (const part of parts) {
    session.append(part)
    await session.commit()
  }
  await heard.finals(3)
  const hashes = parts.map((part) => createHash('sha256').update(part).digest('hex'))
  expect((await heard.finals(3)).map(({ transcript }) => transcript)).toEqual(
    hashes.map((hash) => `sha256:${hash}`),
  )
})

test('the translation is spoken when speech is wanted', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler, { speech: true })
  const heard = listen(session)
  session.append(scriptedAudio({ text: 'hello', speechBytes: 32_000 }))
  await session.commit()
  const { speech } = await heard.final(0)
  expect(speech).toMatchObject({ encoding: 'pcm_s16le', sampleRate: 16_000, durationMs: 1000 })
  expect(speech && 'bytes' in speech && speech.bytes.byteLength).toBe(32_000)
})

test('speech that fails leaves the text', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler, { speech: true })
  const heard = listen(session)
  session.append(scriptedAudio({ text: 'hello', speechBytes: 32_000, speechFails: true }))
  await session.commit()
  expect(await heard.final(0)).toMatchObject({
    outcome: 'translated',
    translation: '[es] hello',
    speech: { failed: 'engine_error' },
  })
})

test('silence is told at once and occupies its index', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler)
  const heard = listen(session)
  session.append(scriptedAudio({ outcome: 'empty' }))
  await session.commit()
  expect(await heard.final(0)).toMatchObject({ outcome: 'empty', attempts: 1 })
})

test('results come in the order of the speech, whichever is done first', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node({ LINGUA_NODE_CAPACITY: '4' })
  const session = await world.client(scheduler)
  const heard = listen(session)
  for (const recognizeMs of [300, 150, 0]) {
    session.append(scriptedAudio({ text: `after ${recognizeMs}`, recognizeMs }))
    await session.commit()
  }
  const finals = await heard.finals(3)
  expect(finals.map(({ seq, index }) => [seq, index])).toEqual([
    [1, 0],
    [2, 1],
    [3, 2],
  ])
})

test('an utterance in work tells how far it is, and nothing after its result', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler)
  const heard = listen(session)
  const stages: unknown[] = []
  session.on('progress', ({ index, stage, text }) => {
    stages.push([index, stage, text, heard.results.length])
  })
  session.append(scriptedAudio({ text: 'yes', recognizeMs: 20, translateMs: 20, synthesizeMs: 20 }))
  await session.commit()
  await heard.final(0)
  expect(stages).toEqual([
    [0, 'dispatched', undefined, 0],
    [0, 'started', undefined, 0],
    [0, 'transcribed', 'yes', 0],
    [0, 'translated', '[es] yes', 0],
  ])
})

test('a commit with nothing open consumes no index', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler)
  expect(await session.commit()).toBeNull()
})

test('close answers after the last result', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler)
  const heard = listen(session)
  session.append(scriptedAudio({ text: 'the end', recognizeMs: 100 }))
  expect(await session.close()).toEqual({ lastIndex: 0, unfinished: 0 })
  expect(heard.results).toHaveLength(1)
})

test('a cancelled utterance ends as cancelled and its node stops working on it', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node({ LINGUA_NODE_CAPACITY: '1' })
  const session = await world.client(scheduler)
  const heard = listen(session)
  const started = new Promise<void>((resolve) => {
    session.on('progress', ({ stage }) => stage === 'started' && resolve())
  })
  session.append(scriptedAudio({ text: 'never', hang: 99 }))
  await session.commit()
  await started
  expect(await session.cancel(0)).toBe(true)
  expect(await heard.final(0)).toMatchObject({ outcome: 'cancelled', error: { code: 'cancelled' } })
  session.append(scriptedAudio({ text: 'next' }))
  await session.commit()
  expect(await heard.final(1)).toMatchObject({ outcome: 'translated', transcript: 'next' })
  expect(await session.cancel(1)).toBe(false)
})
