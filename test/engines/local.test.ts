import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine, Utterance } from '../../workers/engine.ts'
import { openLocalEngine } from '../../workers/engines/local.ts'
import { descendantsOf, isRunning } from '../support/processes.ts'
import { lacks, readRecordings } from '../support/real-engines.ts'

const missing = { code: 'engine_missing' }

test.for([
  ['recognizes', new URL('./no-such-decoder.mjs', import.meta.url), 'PocketSphinx'],
  ['translates', new URL('./stand-in-decoder.mjs', import.meta.url), 'no Apertium pair'],
] as const)(
  'where nothing %s the engine says which packages to install',
  async ([, entry, why]) => {
    const opened = openLocalEngine({ decoders: 1, entry, folder: '/nonexistent' })
    await expect(opened).rejects.toMatchObject({
      code: 'engine_missing',
      message: expect.stringMatching(
        new RegExp(
          `${why}.*apt-get install .*libpocketsphinx3 pocketsphinx-en-us apertium.*espeak-ng`,
        ),
      ),
    })
    expect(descendantsOf(process.pid, '-decoder.mjs')).toEqual([])
  },
)

const incomplete = lacks('pocketsphinx', 'recordings', 'apertium', 'espeak')

describe.skipIf(incomplete)('the local engine', () => {
  let engine: Engine

  beforeAll(async () => {
    engine = await openLocalEngine({ decoders: 1 })
  })
  afterAll(() => engine.close())

  const begin = (changes: Partial<Utterance> = {}) =>
    engine.begin({
      audio: readRecordings().at(-1)?.pcm ?? Buffer.alloc(0),
      encoding: 'pcm_s16le',
      sampleRate: 16_000,
      source: 'en',
      target: 'es',
      attempt: 1,
      signal: new AbortController().signal,
      ...changes,
    })

  test('offers what is installed', () => {
    expect(engine.languages.recognize).toEqual(['en'])
    expect(engine.languages.translate).toContainEqual(['en', 'es'])
    expect(engine.languages.synthesize).toContain('es')
    expect(engine.parts.join()).toMatch(/PocketSphinx.*eng-spa.*eSpeak NG \d/)
  })

  test('is warm after a round of everything', async () => {
    await expect(engine.warmUp(AbortSignal.timeout(30_000))).resolves.toBeUndefined()
    await expect(engine.warmUp(AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
  }, 30_000)

  test('real English speech becomes written and spoken Spanish', async () => {
    const stages = begin()
    const { text, detected } = await stages.recognize()
    expect(text).toMatch(/^He might .*amiable.*\.$/)
    expect(detected).toBeUndefined()
    const translation = await stages.translate(text, 'en')
    expect(translation).toMatch(/amable.*\.$/)
    const speech = await stages.synthesize(translation)
    expect(speech?.sampleRate).toBe(22_050)
    expect(speech?.bytes.length).toBeGreaterThan(22_050)
  }, 30_000)

  test('nothing said is an empty text', async () => {
    expect(await begin({ audio: Buffer.alloc(32_000) }).recognize()).toEqual({ text: '' })
  })

  test('of several languages that it may be, it is the one that is recognized here', async () => {
    const audio = Buffer.alloc(32_000)
    const auto = { audio, source: 'auto' }
    expect(await begin({ ...auto, candidates: ['es', 'en'] }).recognize()).toEqual({
      text: '',
      detected: 'en',
    })
    await expect(begin({ ...auto, candidates: ['es'] }).recognize()).rejects.toMatchObject(missing)
  })

  test('languages that are not there make the engine missing', async () => {
    await expect(begin({ source: 'fr' }).recognize()).rejects.toMatchObject(missing)
    await expect(begin({ target: 'tlh' }).translate('Hello.', 'en')).rejects.toMatchObject(missing)
    await expect(begin({ target: 'tlh' }).synthesize('nuqneH')).rejects.toMatchObject(missing)
  })

  test.each([
    { what: 'half a sample', change: { audio: Buffer.alloc(3) } },
    { what: 'a rate below 8 kHz', change: { sampleRate: 7999 } },
    { what: 'a rate above 48 kHz', change: { sampleRate: 48_001 } },
  ])('$what is bad audio', async ({ change }) => {
    await expect(begin(change).recognize()).rejects.toMatchObject({ code: 'bad_audio' })
  })

  test('each stage rejects with the reason of the abort', async () => {
    const reason = new Error('cancelled')
    const stages = begin({ signal: AbortSignal.abort(reason) })
    await expect(stages.recognize()).rejects.toBe(reason)
    await expect(stages.translate('Hello.', 'en')).rejects.toBe(reason)
    await expect(stages.synthesize('Hola.')).rejects.toBe(reason)
  })

  test('closing ends every process', async () => {
    const all = descendantsOf(process.pid).map(({ pid }) => pid)
    expect(all.length).toBeGreaterThan(10)
    await engine.close()
    await engine.close()
    expect(all.filter(isRunning)).toEqual([])
  })
})
