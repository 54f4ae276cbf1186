import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LinguaError } from '../../src/protocol/codes.ts'
import { settled, stateOf, unhandledIn } from '../support/promises.ts'
import { follow, JOB } from './world.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const never = (): Promise<never> => new Promise(() => {})

describe('the budget', () => {
  test('used up, ends the attempt with deadline', () => {
    const { progress } = follow()
    vi.advanceTimersByTime(JOB.budgetMs - 1)
    expect(progress.signal.aborted).toBe(false)
    vi.advanceTimersByTime(1)
    expect(progress.signal.reason).toMatchObject({ code: 'deadline' })
  })

  test('begins anew with each stage', () => {
    const { progress } = follow()
    for (const stage of ['started', 'transcribed', 'translated'] as const) {
      vi.advanceTimersByTime(JOB.budgetMs - 1)
      void progress.tell(stage)
    }
    vi.advanceTimersByTime(JOB.budgetMs - 1)
    expect(progress.signal.aborted).toBe(false)
    vi.advanceTimersByTime(1)
    expect(progress.signal.aborted).toBe(true)
  })

  test('does not outlive the attempt', () => {
    const { progress } = follow()
    void progress.tell('started')
    progress.end()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('telling a stage', () => {
  test('names the attempt, the budget from now on and the text', async () => {
    const { progress, told } = follow()
    void progress.tell('started')
    void progress.tell('transcribed', 'hello')
    const attempt = { session: 's', index: 3, attempt: 1, budgetMs: JOB.budgetMs }
    expect(told).toStrictEqual([
      { ...attempt, stage: 'started' },
      { ...attempt, stage: 'transcribed', text: 'hello' },
    ])
    await settled()
    expect(progress.signal.aborted).toBe(false)
    progress.end()
  })

  test.for(['superseded', 'settled'] as const)(
    'of an attempt that is %s aborts it',
    async (word) => {
      const { progress, answer } = follow()
      answer.next = async () => word
      void progress.tell('started')
      await settled()
      expect(progress.signal.reason).toMatchObject({
        code: 'cancelled',
        message: `the attempt is ${word}`,
      })
      progress.end()
    },
  )

  test('is lossy: a Redis that is away stops nothing', async () => {
    const { progress, answer } = follow()
    answer.next = () => Promise.reject(new Error('Connection is closed.'))
    expect(await unhandledIn(async () => progress.tell('started'))).toEqual([])
    expect(progress.signal.aborted).toBe(false)
    progress.end()
  })

  test('that is never answered is given up with the attempt', async () => {
    const { progress, answer } = follow()
    answer.next = never
    const told = progress.within(progress.tell('started'))
    progress.abort(new LinguaError('cancelled', 'enough'))
    await expect(told).rejects.toThrow('enough')
    progress.end()
  })
})

describe('an abort from outside', () => {
  test('aborts the attempt for the same reason', () => {
    const outer = new AbortController()
    const { progress } = follow(JOB, outer.signal)
    const reason = new Error('the worker closes')
    outer.abort(reason)
    expect(progress.signal.reason).toBe(reason)
    progress.end()
  })

  test('is told as cancelled where its reason is no error', async () => {
    const outer = new AbortController()
    const { progress } = follow(JOB, outer.signal)
    outer.abort('enough')
    await expect(progress.within(never())).rejects.toMatchObject({ code: 'cancelled' })
    progress.end()
  })
})

describe('a stage', () => {
  test('gives its result', async () => {
    const { progress } = follow()
    await expect(progress.within(Promise.resolve('hello'))).resolves.toBe('hello')
    progress.end()
  })

  test('gives its own error', async () => {
    const { progress } = follow()
    const error = new LinguaError('engine_busy')
    await expect(progress.within(Promise.reject(error))).rejects.toBe(error)
    progress.end()
  })

  test('of an engine that is deaf to the abort holds nobody up', async () => {
    const { progress } = follow()
    const stage = progress.within(never())
    expect(await stateOf(stage)).toBe('pending')
    progress.abort(new LinguaError('cancelled', 'enough'))
    await expect(stage).rejects.toThrow('enough')
    progress.end()
  })

  test('of an engine that is deaf to the end of its budget ends with deadline', async () => {
    const { progress } = follow()
    const stage = progress.within(never())
    vi.advanceTimersByTime(JOB.budgetMs)
    await expect(stage).rejects.toMatchObject({ code: 'deadline' })
  })

  test('after the abort is not waited for', async () => {
    const { progress } = follow()
    progress.abort(new LinguaError('cancelled', 'enough'))
    await expect(progress.within(never())).rejects.toThrow('enough')
    progress.end()
  })

  test.for(['before', 'after'])(
    'that fails late takes nothing down when it began %s the abort',
    async (when) => {
      const { progress } = follow()
      const unhandled = await unhandledIn(async () => {
        let fail = (): void => {}
        const engine = new Promise<never>((_, reject) => {
          fail = () => reject(new Error('killed'))
        })
        if (when === 'after') progress.abort(new LinguaError('cancelled'))
        const stage = progress.within(engine)
        if (when === 'before') progress.abort(new LinguaError('cancelled'))
        await expect(stage).rejects.toMatchObject({ code: 'cancelled' })
        fail()
      })
      expect(unhandled).toEqual([])
      progress.end()
    },
  )

  test('leaves no listener behind', async () => {
    const { progress } = follow()
    await progress.within(Promise.resolve())
    await progress.within(Promise.reject(new Error('no'))).catch(() => {})
    expect(getEventListeners(progress.signal, 'abort')).toEqual([])
    progress.end()
  })
})
