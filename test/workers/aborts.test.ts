import { onTestFinished, vi } from 'vitest'
import { incarnation as lifeOf, jobId, nodeId, sessionId } from '../../src/protocol/ids.ts'
import type { Session } from '../../src/client/client.ts'
import type { Engine } from '../../workers/engine.ts'
import { openRecognizer } from '../../workers/engines/pocketsphinx.ts'
import { createScriptedEngine } from '../../workers/engines/scripted.ts'
import { descendantsOf, isRunning } from '../support/processes.ts'
import { listen } from '../support/listen.ts'
import { expect, test, type World } from '../support/test.ts'

const entry = new URL('../engines/stand-in-decoder.mjs', import.meta.url)
const say = (act: string): Buffer => Buffer.from(act.padEnd(32))

/** An engine that recognizes in a child process, as the real one does; nothing but its death stops it. */
async function openHearing(): Promise<Engine> {
  const recognizer = await openRecognizer({ decoders: 1, entry })
  onTestFinished(() => recognizer.close())
  const scripted = createScriptedEngine({ node: 'n', pairs: ['en>es'] })
  return {
    ...scripted,
    begin: (utterance) => ({
      ...scripted.begin({ ...utterance, audio: Buffer.alloc(0) }),
      recognize: async () => ({
        text: await recognizer.recognize(
          { pcm: utterance.audio, sampleRate: 16_000 },
          utterance.signal,
        ),
      }),
    }),
  }
}

/** A node at work on an utterance that never ends, and the process that is at it. */
async function buildBusy(world: World, env: Record<string, string> = {}) {
  const scheduler = await world.scheduler(env)
  const before = descendantsOf(process.pid, 'stand-in-decoder').map(({ pid }) => pid)
  await world.node({ LINGUA_NODE_ID: 'n', LINGUA_NODE_CAPACITY: '1' }, await openHearing())
  const session = await world.client(scheduler)
  const heard = listen(session)
  const started = new Promise<void>((resolve) => {
    session.on('progress', ({ stage }) => stage === 'started' && resolve())
  })
  session.append(say('silence'))
  await session.commit()
  await started
  const [at] = descendantsOf(process.pid, 'stand-in-decoder').filter(
    ({ pid }) => !before.includes(pid),
  )
  return { session, heard, decoder: at?.pid ?? 0 }
}

/** The child was killed, and another one serves what comes next. */
async function expectKilled(decoder: number, session: Session): Promise<void> {
  await vi.waitUntil(() => !isRunning(decoder), { timeout: 5000 })
  const heard = listen(session)
  session.append(say('echo:next'))
  const index = await session.commit()
  expect(await heard.final(index ?? -1)).toMatchObject({ transcript: 'next' })
}

test('a cancel kills what is at work on the utterance, for real', async ({ world }) => {
  const { session, heard, decoder } = await buildBusy(world)
  expect(isRunning(decoder)).toBe(true)
  expect(await session.cancel(0)).toBe(true)
  expect(await heard.final(0)).toMatchObject({ outcome: 'cancelled' })
  await expectKilled(decoder, session)
})

test('an order to abort kills what is at work on the attempt, for real', async ({ world }) => {
  const { session, decoder } = await buildBusy(world)
  const { control, keys } = await world.store()
  const attempt = `${jobId(sessionId(session.id), 0)}.1`
  await control.publish(keys.nodeOrders(nodeId('n')), `abort ${attempt}`)
  await vi.waitUntil(() => !isRunning(decoder), { timeout: 5000 })
  // The attempt failed as cancelled, and the utterance is tried again: it is silent still.
  expect(await session.cancel(0)).toBe(true)
})

test('an order that only the beat brings down does the same', async ({ world }) => {
  const { session, decoder } = await buildBusy(world)
  const { control, keys } = await world.store()
  const life = lifeOf((await control.hget(keys.node(nodeId('n')), 'incarnation')) ?? '')
  const attempt = `${jobId(sessionId(session.id), 0)}.1`
  await control.rpush(keys.orders(nodeId('n'), life), `abort ${attempt}`)
  await vi.waitUntil(() => !isRunning(decoder), { timeout: 5000 })
  expect(await session.cancel(0)).toBe(true)
})

test('a fence kills what is at work, and the node registers anew', async ({ world }) => {
  const { session, heard, decoder } = await buildBusy(world)
  const { control, keys } = await world.store()
  const life = (await control.hget(keys.node(nodeId('n')), 'incarnation')) ?? ''
  await control.hset(keys.node(nodeId('n')), 'state', 'gone')
  await control.zadd(keys.fencing, 0, `n-${life}`)
  await vi.waitUntil(() => !isRunning(decoder), { timeout: 5000 })
  await expect
    .poll(() => control.hmget(keys.node(nodeId('n')), 'state', 'incarnation'), { timeout: 5000 })
    .toEqual(['ready', expect.not.stringMatching(life)])
  expect(await session.cancel(0)).toBe(true)
  expect(await heard.final(0)).toMatchObject({ outcome: 'cancelled' })
})
