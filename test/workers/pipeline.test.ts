import { setImmediate as turn } from 'node:timers/promises'
import { onTestFinished, describe } from 'vitest'
import { createAudioStore, type AudioStore } from '../../src/platform/audio.ts'
import type { Clock } from '../../src/platform/clock.ts'
import type { Store } from '../../src/platform/redis.ts'
import { LinguaError } from '../../src/protocol/codes.ts'
import type { ChildJob } from '../../src/protocol/jobs.ts'
import type { Engine, Stages, Utterance } from '../../workers/engine.ts'
import { createScriptedEngine, scriptedAudio, type Script } from '../../workers/engines/scripted.ts'
import { runPipeline } from '../../workers/pipeline.ts'
import { unhandledIn } from '../support/promises.ts'
import { expect, test } from '../support/store.ts'
import { follow, JOB } from './world.ts'

const scripted = createScriptedEngine({ node: 'n', pairs: ['en>es'] })
const still: Clock = { now: () => 0 }

/** The stages of the scripted engine, with some of them replaced. */
const engineWith = (
  stages: Partial<Stages>,
  seen: (utterance: Utterance) => void = () => {},
): Engine => ({
  ...scripted,
  begin(utterance) {
    seen(utterance)
    return { ...scripted.begin(utterance), ...stages }
  },
})

interface Run {
  readonly job?: Partial<ChildJob>
  readonly engine?: Engine
  readonly clock?: Clock
  readonly audio?: AudioStore
}

/** An attempt at audio in Redis that asks for `script`. */
async function attempt(store: Store, script: Script | Buffer, run: Run = {}) {
  const bytes = Buffer.isBuffer(script) ? script : scriptedAudio(script)
  const key = `${store.keys.prefix}:audio`
  await store.audio.set(key, bytes)
  const job: ChildJob = { ...JOB, audio: { ...JOB.audio, key, bytes: bytes.length }, ...run.job }
  const { progress, told, answer } = follow(job)
  onTestFinished(() => progress.end())
  const audio = run.audio ?? createAudioStore(store.audio, store.audioKeys)
  const deps = { engine: scripted, clock: still, ...run, audio }
  return { told, answer, progress, job, run: () => runPipeline(deps, job, progress) }
}

const speech = (store: Store) => ({ key: `${store.keys.prefix}:speech`, ttlMs: 60_000 })
const none = { recognizeMs: 0, translateMs: 0, synthesizeMs: 0 }

describe('an attempt', () => {
  test('gives its engine nothing before Redis knows that it has begun', async ({ store }) => {
    let isAsked = false
    const engine = engineWith({}, () => (isAsked = true))
    const { run, answer } = await attempt(store, { text: 'x' }, { engine })
    let know = (): void => {}
    const asked = new Promise<void>((resolve) => {
      answer.next = () => {
        resolve()
        answer.next = async () => 'told'
        return new Promise((tell) => (know = () => tell('told')))
      }
    })
    const result = run()
    await asked
    // Its audio is there by now.
    await store.audio.ping()
    await turn()
    expect(isAsked).toBe(false)
    know()
    expect(await result).toMatchObject({ transcript: 'x' })
    expect(isAsked).toBe(true)
  })

  test('answers what was said and what it means', async ({ store }) => {
    const { run, told } = await attempt(store, { text: 'good morning' })
    expect(await run()).toStrictEqual({
      v: 1,
      outcome: 'translated',
      transcript: 'good morning',
      translation: '[es] good morning',
      timings: none,
    })
    expect(told).toMatchObject([
      { stage: 'started' },
      { stage: 'transcribed', text: 'good morning' },
      { stage: 'translated', text: '[es] good morning' },
    ])
  })

  test.for(['', ' \n'])('hears nothing in %j, and stops there', async (text, { store }) => {
    const engine = engineWith({ translate: () => Promise.reject(new Error('not to be called')) })
    const { run, told } = await attempt(store, { text, outcome: 'translated' }, { engine })
    expect(await run()).toStrictEqual({ v: 1, outcome: 'empty', timings: none })
    expect(told.map(({ stage }) => stage)).toEqual(['started'])
  })

  test('reads its range of the bytes and no others', async ({ store }) => {
    const heard: Buffer[] = []
    const engine = engineWith({}, ({ audio }) => heard.push(audio))
    const bytes = Buffer.from([...Array(100).keys()])
    const { job } = await attempt(store, bytes)
    const audio = { ...job.audio, from: 10, bytes: 4 }
    await (await attempt(store, bytes, { engine, job: { audio } })).run()
    expect(heard).toEqual([Buffer.from([10, 11, 12, 13])])
  })

  test('tells the engine everything it may need', async ({ store }) => {
    const seen: Utterance[] = []
    const job = { source: 'auto', candidates: ['en', 'fr'], attempt: 2 }
    const engine = engineWith({}, (utterance) => seen.push(utterance))
    const { run, progress } = await attempt(store, { text: 'x' }, { engine, job })
    await run()
    expect(seen).toEqual([
      {
        ...{ audio: expect.any(Buffer), encoding: 'pcm_s16le', sampleRate: 16_000 },
        ...{ ...job, target: 'es', signal: progress.signal },
      },
    ])
  })

  test('translates from the language that was heard, and names it', async ({ store }) => {
    const sources: string[] = []
    const engine = engineWith({
      recognize: async () => ({ text: 'bonjour', detected: 'fr' }),
      async translate(text, source) {
        sources.push(source)
        return text
      },
    })
    const { run } = await attempt(store, { text: '' }, { engine, job: { source: 'auto' } })
    expect(await run()).toMatchObject({ outcome: 'translated', detected: 'fr' })
    expect(sources).toEqual(['fr'])
  })

  test('measures each stage by itself', async ({ store }) => {
    let now = 1000
    const after = (ms: number): void => void (now += ms)
    const engine = engineWith({
      recognize: async () => (after(120.04), { text: 'x' }),
      translate: async (text) => (after(30), text),
      synthesize: async () => (after(50), undefined),
    })
    const { run } = await attempt(
      store,
      { text: '' },
      {
        engine,
        clock: { now: () => now },
        job: { speech: speech(store) },
      },
    )
    const { timings } = await run()
    expect(timings).toEqual({ recognizeMs: 120, translateMs: 30, synthesizeMs: 50 })
  })
})

describe('speech', () => {
  test('is written under its key, for its time', async ({ store }) => {
    const job = { speech: speech(store) }
    const { run } = await attempt(store, { text: 'x', speechBytes: 3200 }, { job })
    expect(await run()).toMatchObject({
      outcome: 'translated',
      speech: {
        ...{ key: job.speech.key, bytes: 3200, durationMs: 100 },
        ...{ encoding: 'pcm_s16le', sampleRate: 16_000 },
      },
    })
    expect(await store.audio.strlen(job.speech.key)).toBe(3200)
    const ttl = await store.audio.pttl(job.speech.key)
    expect(ttl).toBeGreaterThan(50_000)
    expect(ttl).toBeLessThanOrEqual(60_000)
  })

  test('that nobody wants is not made', async ({ store }) => {
    const engine = engineWith({ synthesize: () => Promise.reject(new Error('not to be called')) })
    const { run } = await attempt(store, { text: 'x', speechBytes: 3200 }, { engine })
    expect(await run()).not.toHaveProperty('speech')
  })

  test('of nothing to say aloud is left out', async ({ store }) => {
    const { run } = await attempt(store, { text: 'x' }, { job: { speech: speech(store) } })
    expect(await run()).not.toHaveProperty('speech')
  })

  test.for([
    ['engine_busy', new LinguaError('engine_busy')],
    ['engine_error', new Error('segmentation fault')],
  ] as const)('that fails (%s) leaves the text', async ([failed, error], { store }) => {
    const engine = engineWith({ synthesize: () => Promise.reject(error) })
    const job = { speech: speech(store) }
    const { run } = await attempt(store, { text: 'x' }, { engine, job })
    expect(await run()).toMatchObject({
      outcome: 'translated',
      transcript: 'x',
      translation: '[es] x',
      speech: { failed },
    })
  })

  test('that cannot be written leaves the text', async ({ store }) => {
    const whole = createAudioStore(store.audio, store.audioKeys)
    const audio = { ...whole, writeSpeech: () => Promise.reject(new Error('OOM')) }
    const job = { speech: speech(store) }
    const { run } = await attempt(store, { text: 'x', speechBytes: 2 }, { audio, job })
    expect(await run()).toMatchObject({
      translation: '[es] x',
      speech: { failed: expect.any(String) },
    })
  })
})

describe('an attempt fails', () => {
  test('with lost where its audio is gone', async ({ store }) => {
    const { run, job } = await attempt(store, { text: 'x' })
    await store.audio.del(job.audio.key)
    await expect(run()).rejects.toMatchObject({
      code: 'lost',
      message: `0 of ${job.audio.bytes} bytes are there`,
    })
  })

  test('with lost where the end of its audio is gone', async ({ store }) => {
    const { run, job } = await attempt(store, { text: 'x' })
    await store.audio.set(job.audio.key, 'half')
    await expect(run()).rejects.toMatchObject({ code: 'lost' })
  })

  test('as its engine does', async ({ store }) => {
    const script = { failures: 1, code: 'engine_missing' } as const
    await expect((await attempt(store, script)).run()).rejects.toMatchObject({
      code: 'engine_missing',
    })
  })

  test.for([
    ['no text at all', undefined as unknown as string, 'undefined instead of text'],
    ['text without end', 'x'.repeat(20_001), '20001 characters'],
    ['half a character', 'caf\uD83C', 'half a character'],
  ] as const)('where its engine hears or writes %s', async ([, text, message], { store }) => {
    const failure = expect.objectContaining({
      code: 'engine_error',
      message: expect.stringContaining(message),
    })
    for (const engine of [
      engineWith({ recognize: async () => ({ text }) }),
      engineWith({ translate: async () => text }),
    ])
      await expect((await attempt(store, { text: 'x' }, { engine })).run()).rejects.toEqual(failure)
  })

  test.for(['recognize', 'translate', 'synthesize'] as const)(
    'with the reason of its abort, in a %s that does not listen',
    async (stage, { store }) => {
      let reached = (): void => {}
      const there = new Promise<void>((resolve) => (reached = resolve))
      const deaf = (): Promise<never> => new Promise(() => reached())
      const job = { speech: speech(store) }
      const engine = engineWith({ [stage]: deaf })
      const { run, progress } = await attempt(store, { text: 'x' }, { engine, job })
      const result = run()
      await there
      progress.abort(new LinguaError('cancelled', 'enough'))
      await expect(result).rejects.toThrow('enough')
    },
  )

  test('with the reason of an abort that came before its audio, and takes nothing down', async ({
    store,
  }) => {
    const engine = engineWith({ recognize: () => Promise.reject(new Error('killed')) })
    const { run, progress } = await attempt(store, { text: 'x' }, { engine })
    const unhandled = await unhandledIn(async () => {
      const result = run()
      progress.abort(new LinguaError('cancelled', 'enough'))
      await expect(result).rejects.toThrow('enough')
    })
    expect(unhandled).toEqual([])
  })
})
