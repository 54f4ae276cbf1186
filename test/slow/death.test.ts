import type { Session } from '../../src/client/client.ts'
import type { Result } from '../../src/protocol/events.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { expect, skewedBy, test } from '../support/fleet.ts'
import { listen } from '../support/listen.ts'

const COUNT = 24

/** Commits one utterance after another; resolves when half of them are under way, and when all are. */
function speak(session: Session, script: { recognizeMs: number }) {
  const half = withResolvers()
  const all = (async () => {
    for (let i = 0; i < COUNT; i += 1) {
      session.append(scriptedAudio({ text: `utterance ${i}`, ...script }))
      await session.commit()
      if (i === COUNT / 2) half.resolve()
    }
  })()
  return { half: half.promise, all }
}

function expectEachOnce(results: readonly Result[]): void {
  const finals = results.filter((each) => each.kind === 'final')
  expect(finals.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: COUNT }, (_, i) => i),
  )
  expect(finals.map(({ index, transcript }) => [index, transcript])).toEqual(
    finals.map(({ index }) => [index, `utterance ${index}`]),
  )
  expect(results.map(({ seq }) => seq)).toEqual(results.map((_, i) => i + 1))
}

test('killing the scheduler that holds the session loses and doubles nothing', async ({
  fleet,
}) => {
  const [first, second] = [await fleet.scheduler(), await fleet.scheduler()]
  await fleet.node('n1')
  const session = await fleet.client([first, second])
  const heard = listen(session)
  const speech = speak(session, { recognizeMs: 100 })
  await speech.half
  first.kill('SIGKILL')
  await speech.all
  await heard.finals(COUNT)
  expectEachOnce(heard.results)
})

test('killing a node moves its work within the lease and a second', async ({ fleet }) => {
  const scheduler = await fleet.scheduler()
  const doomed = await fleet.node('n1')
  await fleet.node('n2')
  const session = await fleet.client([scheduler])
  const heard = listen(session)
  const speech = speak(session, { recognizeMs: 200 })
  await speech.half
  doomed.kill('SIGKILL')
  await speech.all
  const finals = await heard.finals(COUNT)
  expectEachOnce(heard.results)
  const moved = finals.filter(({ attempts }) => attempts > 1)
  expect(moved.length).toBeGreaterThan(0)
  expect(Math.max(...moved.map(({ timings }) => timings.waitMs))).toBeLessThan(2000 + 1000 + 400)
})

test('a node frozen past its lease delivers nothing late and comes back as a new one', async ({
  fleet,
}) => {
  const scheduler = await fleet.scheduler()
  const frozen = await fleet.node('n1', { LINGUA_NODE_LEASE_MS: '1000' })
  const session = await fleet.client([scheduler])
  const heard = listen(session)
  const started = new Promise<void>((resolve) => {
    session.on('progress', ({ stage }) => stage === 'started' && resolve())
  })
  session.append(scriptedAudio({ text: 'utterance 0', recognizeMs: 1500 }))
  await session.commit()
  await started
  frozen.kill('SIGSTOP')
  await fleet.node('n2', { LINGUA_NODE_LEASE_MS: '1000' })
  expect(await heard.final(0)).toMatchObject({ outcome: 'translated', node: 'n2', attempts: 2 })
  frozen.kill('SIGCONT')
  for (let i = 1; heard.results.every((each) => !('node' in each) || each.node !== 'n1'); i += 1) {
    session.append(scriptedAudio({ text: `utterance ${i}` }))
    await session.commit()
    await heard.final(i)
  }
  const indices = heard.results.map(({ index }) => index)
  expect(indices).toEqual(indices.map((_, i) => i))
})

test.for([
  ['a scheduler', 10_000, 'scheduler'],
  ['a scheduler', -10_000, 'scheduler'],
  ['a node', 10_000, 'node'],
  ['a node', -10_000, 'node'],
] as const)('%s whose clock is %d ms off changes nothing', async ([, ms, who], { fleet }) => {
  const schedulers = [
    await fleet.scheduler(who === 'scheduler' ? skewedBy(ms) : {}),
    await fleet.scheduler(),
  ]
  await fleet.node('n1', who === 'node' ? skewedBy(ms) : {})
  await fleet.node('n2')
  const session = await fleet.client(schedulers)
  const heard = listen(session)
  const began = performance.now()
  for (let i = 0; i < 12; i += 1) {
    session.append(scriptedAudio({ text: `${i}`, failures: i % 3 === 0 ? 1 : 0 }))
    await session.commit()
  }
  const finals = await heard.finals(12)
  expect(finals.map(({ outcome }) => outcome)).toEqual(
    Array.from({ length: 12 }, () => 'translated'),
  )
  for (const { timings } of finals) {
    expect(timings.waitMs).toBeGreaterThanOrEqual(0)
    expect(timings.totalMs).toBeLessThan(5000)
  }
  expect(performance.now() - began).toBeLessThan(5000)
})

function withResolvers() {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
