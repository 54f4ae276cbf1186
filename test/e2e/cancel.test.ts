import { createAudioScripts } from '../../lua/audio.ts'
import { STAGES, type Stage } from '../../src/protocol/events.ts'
import { jobId, sessionId } from '../../src/protocol/ids.ts'
import { scriptedAudio, type Script } from '../../workers/engines/scripted.ts'
import { START, type RawClient } from '../support/raw-client.ts'
import { expect, test } from '../support/test.ts'

const finalOf = (client: RawClient, index: number) =>
  client.until(() =>
    client.results.find((result) => result.kind === 'final' && result.index === index),
  )
const cancel = (client: RawClient, index: number) =>
  client.ask<{ cancelled: boolean }>('utterance.cancel', { index })

/** Commits each as an utterance of its own. */
async function commit(client: RawClient, scripts: readonly Script[]): Promise<void> {
  for (const [chunk, script] of scripts.entries()) {
    client.append(chunk, scriptedAudio(script))
    await client.ask('utterance.commit', { through: chunk })
  }
}

test('whether at work, queued at a node or waiting for one, it ends within a second', async ({
  world,
  store,
}) => {
  const scheduler = await world.scheduler()
  await world.node({ LINGUA_NODE_CAPACITY: '1' })
  const client = world.raw(scheduler)
  const { id } = await client.grant()
  const indices = [0, 1, 2, 3, 4]
  await commit(
    client,
    indices.map(() => ({ hang: 99 })),
  )
  const attempts = () =>
    Promise.all(
      indices.map((index) =>
        store.control.hget(store.keys.attempt(jobId(sessionId(id), index)), 'n'),
      ),
    )
  // One at work and two behind it are all that the node may have.
  await expect.poll(attempts).toEqual(['1', '1', '1', '0', '0'])
  const began = performance.now()
  const answers = await Promise.all(indices.toReversed().map((index) => cancel(client, index)))
  expect(answers).toEqual(indices.map(() => ({ ok: true, cancelled: true })))
  for (const index of indices)
    expect(await finalOf(client, index)).toMatchObject({
      outcome: 'cancelled',
      error: { code: 'cancelled' },
    })
  expect(client.results.map(({ seq, index }) => [seq, index])).toEqual(
    indices.map((index) => [index + 1, index]),
  )
  client.append(5, scriptedAudio({ text: 'next' }))
  await client.ask('utterance.commit', { through: 5 })
  expect(await finalOf(client, 5)).toMatchObject({ outcome: 'translated' })
  expect(performance.now() - began).toBeLessThan(1000)
  expect(await attempts()).toEqual(['1', '1', '1', '0', '0'])
})

test('asked again it changes nothing, and one that has its outcome is not cancelled', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const client = world.raw(scheduler)
  await client.grant()
  await commit(client, [{ text: 'done' }])
  await finalOf(client, 0)
  expect(await cancel(client, 0)).toEqual({ ok: true, cancelled: false })
  client.append(1, scriptedAudio({ hang: 99 }))
  await client.ask('utterance.commit', { through: 1 })
  const answers = await Promise.all([cancel(client, 1), cancel(client, 1), cancel(client, 1)])
  expect(answers.filter((answer) => answer.ok && answer.cancelled)).toHaveLength(1)
  await finalOf(client, 1)
  expect(await cancel(client, 1)).toEqual({ ok: true, cancelled: false })
  expect(client.results).toHaveLength(2)
})

test('an outcome that waits for the one before it is not cancelled any more', async ({
  world,
  store,
}) => {
  const scheduler = await world.scheduler()
  await world.node({ LINGUA_NODE_CAPACITY: '2' })
  const client = world.raw(scheduler)
  const { id } = await client.grant()
  await commit(client, [{ hang: 99 }, { text: 'second' }])
  const held = () => store.control.zcard(store.keys.held(sessionId(id)))
  await expect.poll(held).toBe(1)
  expect(await cancel(client, 1)).toEqual({ ok: true, cancelled: false })
  expect(await cancel(client, 0)).toEqual({ ok: true, cancelled: true })
  expect(await finalOf(client, 1)).toMatchObject({ outcome: 'translated' })
})

test('what was never finalized cannot be cancelled, what is being cut can', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const client = world.raw(scheduler)
  await client.grant()
  expect(await cancel(client, 0)).toMatchObject({ ok: false, error: { code: 'bad_request' } })
  client.append(0, scriptedAudio({ hang: 99 }))
  const [committed, cancelled] = await Promise.all([
    client.ask('utterance.commit', { through: 0 }),
    cancel(client, 0),
  ])
  expect(committed).toEqual({ ok: true, index: 0 })
  expect(cancelled).toEqual({ ok: true, cancelled: true })
  expect(await cancel(client, 1)).toMatchObject({ ok: false, error: { code: 'bad_request' } })
})

test('a cut whose job was never added is cancelled, and stays so when it is added', async ({
  world,
  store,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const first = world.raw(scheduler)
  const { id, resumeToken } = await first.grant()
  first.append(0, scriptedAudio({ text: 'never' }))
  await first.until(() => first.acked === 0)
  const audio = createAudioScripts({ call: store.callAudio, keys: store.audioKeys })
  // As by a gateway that died before it could add the job.
  await audio.cutAudio({
    ...{ session: sessionId(id), epoch: 1, reason: 'manual', lifeMs: 60_000 },
    at: { through: 0 },
  })
  const client = world.raw(scheduler)
  const granted = client.grant({
    resume: {
      ...{ sessionId: id, token: resumeToken },
      ...{ lastSeq: 0, lastIndex: -1, ackedChunk: 0, firstChunk: 0 },
    },
  })
  const finalized = client.until(() => client.finalized[0])
  await granted
  const answer = await cancel(client, 0)
  expect(await finalized).toMatchObject({ index: 0 })
  const result = await finalOf(client, 0)
  expect(answer).toMatchObject({ ok: true })
  expect(result).toMatchObject({
    outcome: answer.ok && answer.cancelled ? 'cancelled' : 'translated',
  })
  const cuts = () => store.audio.hget(store.audioKeys.audio(sessionId(id)), 'cut:0')
  await expect.poll(cuts).toBeNull()
  expect(client.results).toHaveLength(1)
})

test('fifty cancels that race with fifty results give each utterance one outcome, as answered', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node({ LINGUA_NODE_CAPACITY: '16' })
  const clients = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const client = world.raw(scheduler)
      await client.grant({ ...START, speech: true })
      return client
    }),
  )
  await Promise.all(
    clients.map(async (client) => {
      const answers = STAGES.map((stage, index) => cancelAt(client, index, stage))
      await commit(
        client,
        [...STAGES, 'committed'].map((text) => ({ text, speechBytes: 320 })),
      )
      const committed = cancel(client, STAGES.length)
      const told = await Promise.all([...answers, committed])
      const finals = await Promise.all(told.map((_, index) => finalOf(client, index)))
      expect(client.results).toHaveLength(told.length)
      const ends = finals.map((final) => 'outcome' in final && final.outcome)
      expect(ends.map((end) => end === 'cancelled')).toEqual(
        told.map((answer) => answer.ok && answer.cancelled),
      )
    }),
  )
})

/** Cancels an utterance as soon as its work has come so far. */
const cancelAt = (client: RawClient, at: number, after: Stage) =>
  new Promise<Awaited<ReturnType<typeof cancel>>>((resolve) => {
    client.socket.on('utterance.progress', ({ index, stage }) => {
      if (index === at && stage === after) resolve(cancel(client, index))
    })
  })
