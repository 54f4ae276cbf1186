import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Audio } from '../../workers/engines/decoder.ts'
import { openRecognizer, type Recognizer } from '../../workers/engines/pocketsphinx.ts'
import { descendantsOf, isBusy, isRunning } from '../support/processes.ts'
import { lacks, readRecordings, type Recording } from '../support/real-engines.ts'
import { wordErrorRate } from '../support/word-error-rate.ts'

const never = (): AbortSignal => new AbortController().signal
const pidsOf = (program: string): readonly number[] =>
  descendantsOf(process.pid, program).map(({ pid }) => pid)

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
    recognizer = await openRecognizer({ decoders: 1, entry })
  })
  afterAll(() => recognizer.close())

  test.each(['garbage', 'stale', 'unable', 'exit'])(
    'that answers with %s gives an engine error and is replaced',
    async (act) => {
      const [before] = pidsOf('stand-in-decoder')
      await expect(recognize(act)).rejects.toMatchObject({ code: 'engine_error' })
      expect(await recognize('echo:hello')).toBe('hello')
      expect(pidsOf('stand-in-decoder')).not.toContain(before)
    },
  )

  test('that stays silent for longer than the audio could take is killed and replaced', async () => {
    expect(await recognize('echo:before')).toBe('before')
    const [before = 0] = pidsOf('stand-in-decoder')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const lost = expect(recognize('silence')).rejects.toMatchObject({ code: 'engine_error' })
    await vi.advanceTimersByTimeAsync(16_000)
    await lost
    vi.useRealTimers()
    expect(await recognize('echo:after')).toBe('after')
    expect(isRunning(before)).toBe(false)
  })

  test('lets callers wait their turn, and one that gives up costs no decoder', async () => {
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
    clear = recordings.at(-1) ?? expect.fail('there are no recordings')
    long = { pcm: Buffer.concat(recordings.map(({ pcm }) => pcm)), sampleRate: 16_000 }
  })
  afterAll(() => recognizer.close())

  const hearAll = (change: (recording: Recording) => Audio) =>
    Promise.all(
      recordings.map(async (recording) => ({
        said: recording.said,
        heard: await recognizer.recognize(change(recording), never()),
      })),
    )

  test('understands real speech: less than 35 % of the words of five sentences are wrong', async () => {
    expect(wordErrorRate(await hearAll((recording) => recording))).toBeLessThan(0.35)
  }, 30_000)

  test('takes other sample rates', async () => {
    const tripled = ({ pcm }: Audio): Audio => {
      const samples = new Int16Array(Uint8Array.from(pcm).buffer)
      const wider = Int16Array.from(
        { length: samples.length * 3 },
        (_, n) => samples[Math.floor(n / 3)] ?? 0,
      )
      return { pcm: new Uint8Array(wider.buffer), sampleRate: 48_000 }
    }
    expect(wordErrorRate(await hearAll(tripled))).toBeLessThan(0.35)
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
    expect(performance.now() - from).toBeLessThan(100)
    expect(await recognizer.recognize(clear, never())).toContain('amiable')
    expect(isRunning(victim)).toBe(false)
    await expect.poll(() => pidsOf('pocketsphinx-child')).toHaveLength(2)
  }, 30_000)

  test('a decoder killed in the middle of an utterance gives an engine error, the next works', async () => {
    const all = pidsOf('pocketsphinx-child')
    const decoding = expect(recognizer.recognize(long, never())).rejects.toMatchObject({
      code: 'engine_error',
    })
    process.kill(await vi.waitUntil(() => all.find(isBusy)), 'SIGKILL')
    await decoding
    expect(await recognizer.recognize(clear, never())).toContain('amiable')
  }, 30_000)

  test('closing ends every decoder, even one at work', async () => {
    const all = pidsOf('pocketsphinx-child')
    const decoding = expect(recognizer.recognize(long, never())).rejects.toMatchObject({
      code: 'engine_error',
    })
    await vi.waitUntil(() => all.find(isBusy))
    await recognizer.close()
    await decoding
    expect(all).toHaveLength(2)
    expect(all.filter(isRunning)).toEqual([])
  }, 30_000)
})
