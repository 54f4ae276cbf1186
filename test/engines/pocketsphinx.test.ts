import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Audio } from '../../workers/engines/decoder.ts'
import { openRecognizer, type Recognizer } from '../../workers/engines/pocketsphinx.ts'
import { descendantsOf, isBusy, isRunning } from '../support/processes.ts'
import { lacks, readRecordings, type Recording } from '../support/real-engines.ts'
import { wordErrorRate } from '../support/word-error-rate.ts'

const never = (): AbortSignal => new AbortController().signal
const pidsOf = (program: string): readonly number[] =>
  descendantsOf(process.pid, program).map(({ pid }) => pid)

/** The crude way: samples repeated or left out. */
function resampled({ pcm, sampleRate }: Audio, toRate: number): Audio {
  const samples = new Int16Array(Uint8Array.from(pcm).buffer)
  const ratio = toRate / sampleRate
  const length = Math.floor(samples.length * ratio)
  const other = Int16Array.from({ length }, (_, n) => samples[Math.floor(n / ratio)] ?? 0)
  return { pcm: new Uint8Array(other.buffer), sampleRate: toRate }
}

afterEach(() => void vi.useRealTimers())

describe('a stand-in for the decoder', () => {
  const entry = new URL('./stand-in-decoder.mjs', import.meta.url)
  const order = (act: string): Audio => ({
    pcm: Buffer.from(act.padEnd(16)),
    sampleRate: 16_000,
  })
  let recognizer: Recognizer
  const recognize = (act: string, signal = never()): Promise<string> =>
    recognizer.recognize(order(act), signal)

  beforeAll(async () => {
    recognizer = await openRecognizer({ decoders: 1, entry, mostMB: 300 })
  })
  afterAll(() => recognizer.close())

  test.each(['garbage', 'stale', 'unable', 'number', 'exit'])(
    'that answers with %s gives an engine error and is replaced',
    async (act) => {
      const [before] = pidsOf('stand-in-decoder')
      await expect(recognize(act)).rejects.toMatchObject({ code: 'engine_error' })
      expect(await recognize('echo:hello')).toBe('hello')
      expect(pidsOf('stand-in-decoder')).not.toContain(before)
    },
  )

  test('that leaks gives its answer and is replaced before the next', async () => {
    expect(await recognize('echo:before')).toBe('before')
    const [before = 0] = pidsOf('stand-in-decoder')
    expect(await recognize('leak:bigger')).toBe('bigger')
    expect(await recognize('echo:after')).toBe('after')
    expect(isRunning(before)).toBe(false)
  })

  test('that answers twice disturbs nobody for longer than one utterance', async () => {
    expect(await recognize('twice:hello')).toBe('hello')
    const next = await recognize('echo:next').catch((error: unknown) => error)
    expect(['next', expect.objectContaining({ code: 'engine_error' })]).toContainEqual(next)
    expect(await recognize('echo:after')).toBe('after')
  })

  test('that stays silent for longer than the audio could take is killed and replaced', async () => {
    expect(await recognize('echo:before')).toBe('before')
    const [before = 0] = pidsOf('stand-in-decoder')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const lost = recognize('silence').catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(16_000)
    expect(await lost).toMatchObject({ code: 'engine_error' })
    vi.useRealTimers()
    expect(await recognize('echo:after')).toBe('after')
    expect(isRunning(before)).toBe(false)
  })

  test('lets callers wait their turn, and give up while they wait', async () => {
    const busy = new AbortController()
    const gone = new AbortController()
    const first = recognize('silence', busy.signal)
    const second = recognize('echo:second', gone.signal)
    const third = recognize('echo:third')
    gone.abort(new Error('gave up'))
    await expect(second).rejects.toThrow('gave up')
    busy.abort(new Error('cancelled'))
    await expect(first).rejects.toThrow('cancelled')
    expect(await third).toBe('third')
  })
})

test('a decoder that cannot start makes the engine missing', async () => {
  const entry = new URL('./no-such-decoder.mjs', import.meta.url)
  await expect(openRecognizer({ decoders: 2, entry })).rejects.toMatchObject({
    code: 'engine_missing',
  })
})

describe.skipIf(lacks('pocketsphinx', 'recordings'))('PocketSphinx', () => {
  let recognizer: Recognizer
  let recordings: readonly Recording[]
  let clear: Audio
  let long: Audio

  beforeAll(async () => {
    recognizer = await openRecognizer({ decoders: 2 })
    recordings = readRecordings()
    clear = recordings.at(-1) as Recording
    long = { pcm: Buffer.concat(recordings.map(({ pcm }) => pcm)), sampleRate: 16_000 }
  })
  afterAll(() => recognizer.close())

  test('understands real speech: less than 35 % of the words of five sentences are wrong', async () => {
    const pairs = recordings.map(async (recording) => ({
      said: recording.said,
      heard: await recognizer.recognize(recording, never()),
    }))
    expect(wordErrorRate(await Promise.all(pairs))).toBeLessThan(0.35)
  }, 30_000)

  test('takes other sample rates', async () => {
    const wide = await recognizer.recognize(resampled(clear, 48_000), never())
    expect(wide).toContain('he might even have been made amiable')
    // Half of the band is gone, and with it some words.
    const narrow = await recognizer.recognize(resampled(clear, 8000), never())
    expect(narrow).toContain('he might even have been made')
  }, 30_000)

  test('hears nothing in silence or in no audio at all', async () => {
    const silence = { pcm: Buffer.alloc(32_000), sampleRate: 16_000 }
    expect(await recognizer.recognize(silence, never())).toBe('')
    expect(await recognizer.recognize({ ...silence, pcm: Buffer.alloc(0) }, never())).toBe('')
  })

  test('an abort in the middle of a decode kills it for real, and the next one works', async () => {
    const abort = new AbortController()
    const reason = new Error('cancelled')
    const all = pidsOf('pocketsphinx-child')
    const decoding = recognizer.recognize(long, abort.signal)
    const victim = await vi.waitUntil(() => all.find(isBusy))
    const from = performance.now()
    abort.abort(reason)
    await expect(decoding).rejects.toBe(reason)
    expect(performance.now() - from).toBeLessThan(1000)
    expect(await recognizer.recognize(clear, never())).toContain('amiable')
    expect(isRunning(victim)).toBe(false)
    await expect.poll(() => pidsOf('pocketsphinx-child')).toHaveLength(2)
  }, 30_000)

  test('a decoder killed in the middle of an utterance gives an engine error, the next works', async () => {
    // Both are loaded once both have heard something: whoever is busy then is the one that decodes.
    await Promise.all([recognizer.recognize(clear, never()), recognizer.recognize(clear, never())])
    const all = pidsOf('pocketsphinx-child')
    const decoding = recognizer.recognize(long, never()).catch((error: unknown) => error)
    process.kill(await vi.waitUntil(() => all.find(isBusy)), 'SIGKILL')
    expect(await decoding).toMatchObject({ code: 'engine_error' })
    expect(await recognizer.recognize(clear, never())).toContain('amiable')
  }, 30_000)

  test('closing ends every decoder, even one at work', async () => {
    const all = pidsOf('pocketsphinx-child')
    const decoding = recognizer.recognize(long, never()).catch((error: unknown) => error)
    await vi.waitUntil(() => all.find(isBusy))
    await recognizer.close()
    expect(await decoding).toMatchObject({ code: 'engine_error' })
    expect(all).toHaveLength(2)
    expect(all.filter(isRunning)).toEqual([])
  }, 30_000)
})
