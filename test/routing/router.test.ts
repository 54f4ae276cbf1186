import { expect, test } from 'vitest'
import type { RoutingScripts } from '../../lua/routing.ts'
import { CUT_REASONS } from '../../src/protocol/events.ts'
import type { UtteranceJob } from '../../src/protocol/jobs.ts'
import { createRouter, type AffinityMode } from '../../src/routing/router.ts'

type Question = Parameters<RoutingScripts['route']>[0]

/** What the script is asked for an utterance cut for `reason`. */
async function ask(affinity: AffinityMode, over: Partial<UtteranceJob>): Promise<Question> {
  const asked: Question[] = []
  const router = createRouter({
    affinity,
    scripts: {
      async route(question) {
        asked.push(question)
        return { kind: 'settled' }
      },
    },
  })
  const job: UtteranceJob = {
    ...{ v: 1, sessionId: 's', index: 3, source: 'en', target: 'es', reason: 'pause' },
    ...{ speech: false, startMs: 0 },
    audio: { key: 'a', from: 0, bytes: 2, encoding: 'pcm_s16le', sampleRate: 16_000 },
    ...over,
  }
  await router.route(job, { n: 0, code: undefined })
  const [question] = asked
  if (!question) throw new Error('nothing was asked')
  return question
}

test('speech that goes on past its cut keeps the node, a speaker who stopped frees it', async () => {
  const intents = CUT_REASONS.map(async (reason) => [
    reason,
    (await ask('continuation', { reason })).home,
  ])
  expect(Object.fromEntries(await Promise.all(intents))).toEqual({
    manual: 'clear',
    pause: 'clear',
    timeout: 'bind',
    max_duration: 'bind',
    close: 'clear',
    disconnect: 'clear',
  })
})

test.for([
  ['session', 'bind'],
  ['off', 'clear'],
] as const)('with the affinity "%s" every cut means %s', async ([affinity, home]) => {
  for (const reason of CUT_REASONS) expect((await ask(affinity, { reason })).home).toBe(home)
})

test.for([
  ['one language', { source: 'en' }, ['en>es']],
  ['speech', { source: 'en', speech: true }, ['en>es+speech']],
  ['auto', { source: 'auto', candidates: ['en', 'ca'] }, ['en>es', 'ca>es']],
  ['auto that may be the target', { source: 'auto', candidates: ['en', 'es'] }, ['en>es']],
] as const)('%s is asked for in every direction that it needs', async ([, over, pairs]) => {
  expect((await ask('continuation', over)).pairs).toEqual(pairs)
})
