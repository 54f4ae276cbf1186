import { createHash } from 'node:crypto'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ERROR_CODES } from '../../src/protocol/codes.ts'
import type { Stages, Utterance } from '../../workers/engine.ts'
import { createScriptedEngine, scriptedAudio, type Script } from '../../workers/engines/scripted.ts'
import { stateOf } from '../support/promises.ts'

const NODE = 'fast-1'

interface Told {
  readonly attempt?: number
  readonly target?: string
  readonly signal?: AbortSignal
}

const hear = (audio: Buffer, told: Told = {}): Stages => {
  const utterance: Utterance = {
    audio,
    encoding: 'pcm_s16le',
    sampleRate: 16_000,
    source: 'en',
    target: 'es',
    attempt: 1,
    signal: new AbortController().signal,
    ...told,
  }
  return createScriptedEngine({ node: NODE, pairs: ['en>es'] }).begin(utterance)
}
const play = (script: Script, told?: Told): Stages => hear(scriptedAudio(script), told)
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: { code?: unknown }) => error.code,
  )

/** Milliseconds until `work` has settled. */
async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work().catch(() => {})
  return performance.now() - began
}

describe('the engine', () => {
  test('offers the pairs it was given', async () => {
    const engine = createScriptedEngine({ node: NODE, pairs: ['en>es', 'en>ca', 'fr>es'] })
    expect(engine.languages).toEqual({
      recognize: ['en', 'fr'],
      translate: [
        ['en', 'es'],
        ['en', 'ca'],
        ['fr', 'es'],
      ],
      synthesize: ['es', 'ca'],
    })
    await engine.warmUp(AbortSignal.abort())
    await engine.close()
    await engine.close()
  })
})

describe('audio without the mark', () => {
  test.for([Buffer.alloc(0), Buffer.from('LMQ'), Buffer.from('LMQ2....'), Buffer.alloc(3200, 7)])(
    'is transcribed as its hash: %s',
    async (audio) => {
      const hash = createHash('sha256').update(audio).digest('hex')
      expect(await hear(audio).recognize()).toEqual({ text: `sha256:${hash}` })
    },
  )
})

describe('audio with the mark', () => {
  test('is read whatever its padding', async () => {
    const audio = scriptedAudio({ text: 'ñandú 日本' }, 6400)
    expect(audio).toHaveLength(6400)
    expect(await hear(audio).recognize()).toEqual({ text: 'ñandú 日本' })
  })

  test('is always an even number of bytes', () => {
    for (const text of ['', 'a', 'ab', 'abc']) expect(scriptedAudio({ text }).length % 2).toBe(0)
  })

  test.for([
    ['no length', Buffer.from('LMQ1')],
    ['half a length', Buffer.from('LMQ1\u0001\u0000')],
    ['less JSON than it says', scriptedAudio({ text: 'hello' }).subarray(0, 16)],
    ['no JSON', Buffer.from('LMQ1\u0002\u0000\u0000\u0000{]')],
    ['a field that means nothing', scriptedAudio({ txet: 'hello' } as Script)],
    ['a negative time', scriptedAudio({ recognizeMs: -1 })],
    ['half an attempt', scriptedAudio({ failures: 0.5 })],
    ['an outcome that is none', scriptedAudio({ outcome: 'cancelled' as 'failed' })],
  ] as const)('and %s is bad_audio', ([, audio]) => {
    expect(() => hear(audio)).toThrow(expect.objectContaining({ code: 'bad_audio' }))
  })
})

describe('text', () => {
  test('is transcribed as it is and translated with the mark of its target', async () => {
    const stages = play({ text: 'good morning' }, { target: 'ca' })
    expect(await stages.recognize()).toEqual({ text: 'good morning' })
    expect(await stages.translate('good morning', 'en')).toBe('[ca] good morning')
  })

  test('left out is empty', async () => {
    expect(await play({}).recognize()).toEqual({ text: '' })
  })
})

describe.for(['recognize', 'translate', 'synthesize'] as const)('%sMs', (stage) => {
  const run = (stages: Stages): Promise<unknown> =>
    ({
      recognize: () => stages.recognize(),
      translate: () => stages.translate('x', 'en'),
      synthesize: () => stages.synthesize('x'),
    })[stage]()

  test('is the time that its stage takes, and no other', async () => {
    const stages = play({ [`${stage}Ms`]: 30 })
    expect(await timeOf(() => run(stages))).toBeGreaterThan(28)
    const others = play({
      recognizeMs: 60_000,
      translateMs: 60_000,
      synthesizeMs: 60_000,
      [`${stage}Ms`]: 0,
    })
    await run(others)
  })

  test('ends with the abort, for its reason', async () => {
    const abort = new AbortController()
    const result = run(play({ [`${stage}Ms`]: 60_000 }, { signal: abort.signal }))
    expect(await stateOf(result)).toBe('pending')
    const reason = new Error('enough')
    abort.abort(reason)
    await expect(result).rejects.toBe(reason)
  })

  test('does not begin after the abort', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(run(play({ [`${stage}Ms`]: 60_000 }, { signal }))).rejects.toThrow('enough')
  })
})

describe('outcome', () => {
  test('empty hears nothing, whatever the text', async () => {
    expect(await play({ outcome: 'empty', text: 'x' }).recognize()).toEqual({ text: '' })
  })

  test.for([1, 2, 99])('failed fails attempt %d with its code', async (attempt) => {
    const failed = play({ outcome: 'failed', code: 'engine_busy' }, { attempt })
    expect(await codeOf(failed.recognize())).toBe('engine_busy')
  })
})

describe('code', () => {
  test.for(Object.keys(ERROR_CODES))('may be %s', async (code) => {
    expect(await codeOf(play({ failures: 1, code }).recognize())).toBe(code)
  })

  test('left out or unknown is engine_error', async () => {
    expect(await codeOf(play({ failures: 1 }).recognize())).toBe('engine_error')
    expect(await codeOf(play({ failures: 1, code: 'on_fire' }).recognize())).toBe('engine_error')
  })
})

test('failures: n fails attempts 1 to n and no more', async () => {
  const codes = [1, 2, 3].map((attempt) => codeOf(play({ failures: 2 }, { attempt }).recognize()))
  expect(await Promise.all(codes)).toEqual(['engine_error', 'engine_error', undefined])
})

test('a failure takes its time like a success', async () => {
  const failing = play({ failures: 1, recognizeMs: 30 })
  expect(await timeOf(() => failing.recognize())).toBeGreaterThan(28)
})

describe('hang: n', () => {
  test('hangs attempts 1 to n and no more', async () => {
    const states = [1, 2, 3].map((attempt) => stateOf(play({ hang: 2 }, { attempt }).recognize()))
    expect(await Promise.all(states)).toEqual(['pending', 'pending', 'resolved'])
  })

  test('ends with the abort, for its reason', async () => {
    const abort = new AbortController()
    const hanging = play({ hang: 1 }, { signal: abort.signal }).recognize()
    abort.abort(new Error('enough'))
    await expect(hanging).rejects.toThrow('enough')
  })

  test('does not begin after the abort', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(play({ hang: 1 }, { signal }).recognize()).rejects.toThrow('enough')
  })

  test('and deaf does not even hear the abort', async () => {
    const abort = new AbortController()
    const hanging = play({ hang: 1, deaf: true }, { signal: abort.signal }).recognize()
    abort.abort(new Error('enough'))
    expect(await stateOf(hanging)).toBe('pending')
  })
})

describe('crash: n', () => {
  test('kills the process of attempts 1 to n and no more', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
    onTestFinished(() => kill.mockRestore())
    await play({ crash: 2 }, { attempt: 3 }).recognize()
    expect(kill).not.toHaveBeenCalled()
    await play({ crash: 2 }, { attempt: 2 }).recognize()
    expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, 'SIGKILL')
  })
})

test('block holds the main loop for that long', async () => {
  let turned = false
  const turn = new Promise<void>((resolve) =>
    setImmediate(() => {
      turned = true
      resolve()
    }),
  )
  const began = performance.now()
  const blocked = play({ block: 30, text: 'x' }).recognize()
  expect(performance.now() - began).toBeGreaterThan(28)
  expect(turned).toBe(false)
  expect(await blocked).toEqual({ text: 'x' })
  await turn
})

describe('on', () => {
  test.for([
    [NODE, 'engine_error'],
    ['fast-', 'engine_error'],
    ['', 'engine_error'],
    ['slow-', undefined],
    ['ast', undefined],
  ] as const)('%j holds for nodes whose id begins so', async ([on, code]) => {
    expect(await codeOf(play({ on, failures: 1 }).recognize())).toBe(code)
  })

  test('spares other nodes every fault', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
    onTestFinished(() => kill.mockRestore())
    const began = performance.now()
    const script = { on: 'slow-', text: 'x', hang: 1, crash: 1, block: 60_000, failures: 1 }
    expect(await play(script).recognize()).toEqual({ text: 'x' })
    expect(kill).not.toHaveBeenCalled()
    expect(performance.now() - began).toBeLessThan(60_000)
  })
})

describe('speech', () => {
  test('is none unless asked for', async () => {
    expect(await play({ text: 'x' }).synthesize('x')).toBeUndefined()
  })

  test('has the size asked for by speechBytes', async () => {
    expect(await play({ speechBytes: 3200 }).synthesize('x')).toEqual({
      bytes: Buffer.alloc(3200, 1),
      encoding: 'pcm_s16le',
      sampleRate: 16_000,
    })
  })

  test('fails with speechFails, after its time and after the text', async () => {
    const stages = play({ text: 'x', speechFails: true, speechBytes: 2 })
    expect(await stages.recognize()).toEqual({ text: 'x' })
    expect(await codeOf(stages.synthesize('x'))).toBe('engine_error')
  })
})
