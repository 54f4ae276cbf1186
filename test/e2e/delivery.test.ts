import fc from 'fast-check'
import type { Result } from '../../src/protocol/events.ts'
import { scriptedAudio, type Script } from '../../workers/engines/scripted.ts'
import { listen } from '../support/listen.ts'
import { startProxy } from '../support/proxy.ts'
import { expect, test } from '../support/test.ts'

const script: fc.Arbitrary<Script> = fc.record({
  text: fc.constantFrom('yes', 'no', 'perhaps'),
  recognizeMs: fc.integer({ min: 0, max: 150 }),
  outcome: fc.constantFrom('translated', 'translated', 'empty', 'failed'),
  code: fc.constantFrom('bad_audio', 'engine_error'),
  failures: fc.constantFrom(0, 0, 0, 1),
})
const moment = fc.constantFrom<'speak' | 'cut'>('speak', 'speak', 'speak', 'cut')

/** No hole and no repeat in `seq`; every index one final result; indices rise but for marked ones. */
function expectOrdered(results: readonly Result[], count: number): void {
  expect(results.map(({ seq }) => seq)).toEqual(results.map((_, i) => i + 1))
  const finals = results.filter((each) => each.kind === 'final')
  expect(finals.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: count }, (_, i) => i),
  )
  const marked = new Set(results.filter((each) => each.kind === 'gap').map(({ index }) => index))
  expect(finals.filter(({ late }) => late).every(({ index }) => marked.has(index))).toBe(true)
  const onTime = finals.filter(({ late }) => !late).map(({ index }) => index)
  expect(onTime).toEqual(onTime.toSorted((a, b) => a - b))
}

test(
  'whatever happens to nodes and sockets, every index ends once and in order',
  { timeout: 120_000 },
  async ({ world }) => {
    const schedulers = [
      await world.scheduler({ LINGUA_HEAD_WAIT_MS: '200' }),
      await world.scheduler({ LINGUA_HEAD_WAIT_MS: '200' }),
    ]
    await world.node({ LINGUA_NODE_CAPACITY: '3' })
    await world.node({ LINGUA_NODE_CAPACITY: '3' })
    const proxies = await Promise.all(schedulers.map(({ url }) => startProxy(url)))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(script, moment), { minLength: 1, maxLength: 8 }),
        async (story) => {
          const session = await world.client(proxies.map(({ url }) => ({ url })))
          const heard = listen(session)
          for (const [what, then] of story) {
            session.append(scriptedAudio(what))
            const committed = session.commit()
            if (then === 'cut') proxies.forEach((proxy) => proxy.cut())
            await committed
          }
          await heard.finals(story.length)
          expectOrdered(heard.results, story.length)
          expect(await session.close()).toMatchObject({ unfinished: 0 })
        },
      ),
      { numRuns: 15 },
    )
    await Promise.all(proxies.map((proxy) => proxy.close()))
  },
)
