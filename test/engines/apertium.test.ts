import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { openTranslator, type Translator } from '../../workers/engines/apertium.ts'
import { descendantsOf, isRunning } from '../support/processes.ts'
import { lacks } from '../support/real-engines.ts'
import { nasty } from './nasty.ts'

const never = (): AbortSignal => new AbortController().signal

function stageOf(command: string): number {
  const stage = descendantsOf(process.pid).find((each) => each.command.startsWith(command))
  if (!stage) throw new Error(`${command} is not running`)
  return stage.pid
}

test('without Apertium there are no pairs, and none is translated', async () => {
  const translator = await openTranslator({ source: 'en', folder: '/nonexistent' })
  expect(translator.pairs).toEqual([])
  await expect(translator.translate('Hello.', ['en', 'es'], never())).rejects.toMatchObject({
    code: 'engine_missing',
  })
  await translator.close()
})

test('a direction whose pipeline cannot start is not offered', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modes-'))
  await writeFile(join(folder, 'eng-cat.mode'), 'no-such-program | cat')
  await writeFile(join(folder, 'cat-eng.mode'), 'cat')
  const translator = await openTranslator({ source: 'en', folder })
  expect(translator.modes).toEqual([])
  await translator.close()
  await rm(folder, { recursive: true })
})

/** A translator whose pipeline is this program, a stage that finds each request in `$_`. */
async function openStandIn(
  program: string,
  onEnd: (undo: () => Promise<void>) => void,
  mostMB?: number,
) {
  const folder = await mkdtemp(join(tmpdir(), 'modes-'))
  const stage = join(folder, 'stand-in')
  await writeFile(stage, `#!/usr/bin/perl\n$| = 1; $/ = "\\0"; while (<STDIN>) { ${program} }\n`)
  await chmod(stage, 0o755)
  await writeFile(join(folder, 'eng-spa.mode'), stage)
  const translator = await openTranslator({
    ...{ source: 'en', folder },
    ...(mostMB !== undefined && { mostMB }),
  })
  onEnd(async () => {
    await translator.close()
    await rm(folder, { recursive: true })
  })
  expect(translator.modes).toEqual(['eng-spa'])
  return (text: string) => translator.translate(text, ['en', 'es'], never())
}

test.for([
  ['bytes that are no UTF-8', 's/arbage/\\xff\\xfe/; print'],
  ['another answer than that to the question', 's/#(\\d+)/#9$1/ if /arbage/; print'],
  ['text without end', 'print "x" x 2000000 if /arbage/; print unless /arbage/'],
  ['nothing, and ends', 'exit if /arbage/; print'],
] as const)(
  'a pipeline that answers with %s gives an engine error and is replaced',
  async ([, program], { onTestFinished }) => {
    const translate = await openStandIn(program, onTestFinished)
    expect(await translate('before')).toBe('Before.')
    await expect(translate('garbage')).rejects.toMatchObject({ code: 'engine_error' })
    expect(await translate('after')).toBe('After.')
  },
)

test('a pipeline that leaks is replaced between two sentences', async ({ onTestFinished }) => {
  const leak = 'push @leak, "x" x 1_000_000; print'
  const translate = await openStandIn(leak, onTestFinished, 40)
  const [before] = descendantsOf(process.pid, '/stand-in')
  for (let i = 0; i < 60; i += 1) expect(await translate(`say ${i}`)).toBe(`Say ${i}.`)
  await expect.poll(() => isRunning(before?.pid ?? 0)).toBe(false)
  expect(await translate('after')).toBe('After.')
})

describe.skipIf(lacks('apertium'))('Apertium', () => {
  let translator: Translator
  const translate = (text: string, signal = never()): Promise<string> =>
    translator.translate(text, ['en', 'es'], signal)

  beforeAll(async () => {
    translator = await openTranslator({ source: 'en' })
  })
  afterAll(() => translator.close())
  afterEach(() => void vi.useRealTimers())

  test('English becomes Spanish, as a sentence', async () => {
    expect(translator.pairs).toContainEqual(['en', 'es'])
    expect(await translate('the leader has left the conference')).toBe(
      'El dirigente ha dejado la conferencia.',
    )
    expect(await translate('')).toBe('')
  })

  test('a word it does not know stays as it was, without a mark', async () => {
    expect(await translate('The zyzzyva dialed a foobarish number.')).toMatch(
      /^El zyzzyva dialed un foobarish número\.$/,
    )
  })

  test('whatever is asked at once, each gets its own answer, in the order of asking', async () => {
    let asked = 0
    await fc.assert(
      fc.asyncProperty(fc.array(nasty, { minLength: 1, maxLength: 40 }), async (texts) => {
        const first = asked
        asked += texts.length
        const order: number[] = []
        const answers = await Promise.all(
          texts.map(async (text, n) => {
            const answer = await translate(`Mark ${first + n} a ${text} b house`)
            order.push(n)
            return answer
          }),
        )
        expect(order).toEqual(texts.map((_, n) => n))
        for (const [n, answer] of answers.entries()) expect(answer).toContain(`${first + n}`)
      }),
      { numRuns: 60 },
    )
  })

  test('an aborted request rejects with the reason and leaves its neighbours alone', async () => {
    const shell = stageOf('/bin/sh -c')
    const stalled = stageOf('lrx-proc')
    process.kill(stalled, 'SIGSTOP')
    const abort = new AbortController()
    const reason = new Error('cancelled')
    const before = translate('The first house.')
    const aborted = translate('The second house.', abort.signal)
    const after = translate('The third house.')
    await setImmediate()
    abort.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    process.kill(stalled, 'SIGCONT')
    expect(await before).toBe('La primera casa.')
    expect(await after).toMatch(/^La tercer[ao] casa\.$/)
    expect(stageOf('/bin/sh -c')).toBe(shell)
    await expect(translate('No.', AbortSignal.abort(reason))).rejects.toBe(reason)
  })

  test.each([
    { victim: 'lt-proc -z /usr', stalled: 'lt-proc -z /usr' },
    { victim: 'lrx-proc', stalled: 'lrx-proc' },
    { victim: 'lt-proc -z -p', stalled: 'lt-proc -z -p' },
    { victim: '/bin/sh -c', stalled: 'lrx-proc' },
  ])(
    'when "$victim" is killed what is under way fails, and the next sentence is translated',
    async ({ victim, stalled }) => {
      expect(await translate('The house.')).toBe('La casa.')
      const all = descendantsOf(process.pid).map(({ pid }) => pid)
      process.kill(stageOf(stalled), 'SIGSTOP')
      // Without timers: it must be seen, not waited for.
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      const lost = translate('Something is wrong.').catch((error: unknown) => error)
      process.kill(stageOf(victim), 'SIGKILL')
      expect(await lost).toMatchObject({ code: 'engine_error' })
      expect(await translate('The house.')).toBe('La casa.')
      expect(all.filter(isRunning)).toEqual([])
    },
  )

  test('a pipeline that hangs is replaced once its time is up', async () => {
    expect(await translate('The house.')).toBe('La casa.')
    const stage = stageOf('lrx-proc')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    process.kill(stage, 'SIGSTOP')
    const lost = translate('Something is wrong.').catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await lost).toMatchObject({ code: 'engine_error' })
    vi.useRealTimers()
    expect(await translate('The house.')).toBe('La casa.')
    expect(isRunning(stage)).toBe(false)
  })

  test('a closed translator leaves no process behind', async () => {
    expect(await translate('The house.')).toBe('La casa.')
    const all = descendantsOf(process.pid).map(({ pid }) => pid)
    expect(all.length).toBeGreaterThan(10)
    await Promise.all([translator.close(), translator.close()])
    expect(all.filter(isRunning)).toEqual([])
    await expect(translate('The house.')).rejects.toMatchObject({ code: 'engine_busy' })
  })
})
