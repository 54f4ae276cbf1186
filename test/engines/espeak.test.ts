import { beforeAll, describe, expect, test } from 'vitest'
import { openSpeaker, type Speaker } from '../../workers/engines/espeak.ts'
import { descendantsOf } from '../support/processes.ts'
import { lacks } from '../support/real-engines.ts'

const never = (): AbortSignal => new AbortController().signal

describe.skipIf(lacks('espeak'))('eSpeak NG', () => {
  let speaker: Speaker

  beforeAll(async () => {
    speaker = (await openSpeaker()) as Speaker
  })

  const secondsOf = async (text: string, language = 'es'): Promise<number | undefined> => {
    const spoken = await speaker.speak(text, language, never())
    return spoken && spoken.bytes.length / 2 / spoken.sampleRate
  }

  test('has voices for what the installed pairs translate into', () => {
    expect([...speaker.voices]).toEqual(expect.arrayContaining(['es', 'ca', 'eo', 'en-us']))
    expect(speaker.version).toMatch(/^\d+\.\d+/)
  })

  test('a sentence becomes speech that is not silence', async () => {
    const spoken = await speaker.speak('El dirigente ha dejado la conferencia.', 'es', never())
    expect(spoken).toMatchObject({ encoding: 'pcm_s16le', sampleRate: 22_050 })
    const samples = new Int16Array(Uint8Array.from(spoken?.bytes ?? []).buffer)
    expect(samples.length).toBeGreaterThan(22_050)
    expect(Math.max(...samples)).toBeGreaterThan(1000)
  })

  test.each(['', ' \n', '...', '¿?', '[[]]'])('there is nothing to say in %j', async (text) => {
    expect(await secondsOf(text)).toBeUndefined()
  })

  test('text is spoken, never taken for an option, a phoneme or mark-up', async () => {
    const word = (await secondsOf('ayuda')) ?? 0
    expect(await secondsOf('--help')).toBeGreaterThan(0.1)
    expect(await secondsOf('[[ayuda]]')).toBeCloseTo(word, 1)
    expect(await secondsOf('ayuda\0ayuda')).toBeGreaterThan(word)
    expect(await secondsOf('<break time="9s"/>')).toBeLessThan(6)
  })

  test('a language without a voice makes the engine missing', async () => {
    const missing = { code: 'engine_missing' }
    await expect(speaker.speak('hola', 'xx', never())).rejects.toMatchObject(missing)
    await expect(speaker.speak('hola', '../../etc', never())).rejects.toMatchObject(missing)
  })

  test('an abort stops the program and rejects with the reason', async () => {
    const abort = new AbortController()
    const reason = new Error('cancelled')
    const spoken = speaker.speak('Un texto muy largo. '.repeat(500), 'es', abort.signal)
    abort.abort(reason)
    await expect(spoken).rejects.toBe(reason)
    await expect(speaker.speak('hola', 'es', AbortSignal.abort(reason))).rejects.toBe(reason)
    await expect.poll(() => descendantsOf(process.pid, 'espeak-ng')).toEqual([])
  })
})
