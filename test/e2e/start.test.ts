import { setImmediate as turn } from 'node:timers/promises'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { START } from '../support/raw-client.ts'
import { expect, test } from '../support/test.ts'

test('nothing is told before the answer to session.start', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const first = world.raw(scheduler)
  const { id, resumeToken } = await first.grant()
  first.append(0, scriptedAudio({ text: 'a', recognizeMs: 300 }))
  await first.ask('utterance.commit', { through: 0 })
  first.leave()
  const client = world.raw(scheduler)
  const told: string[] = []
  client.socket.onAny((event: string) => told.push(event))
  const resume = {
    ...{ sessionId: id, token: resumeToken },
    ...{ lastSeq: 0, lastIndex: -1, ackedChunk: -1, firstChunk: 0 },
  }
  client.socket.emit('session.start', { resume }, () => told.push('the answer'))
  await client.until(() => client.results.length > 0)
  expect(told.slice(0, 2)).toEqual(['the answer', 'utterance.finalized'])
})

test('clients that are gone before their sessions are granted leave none that is held', async ({
  world,
  store,
}) => {
  const scheduler = await world.scheduler({ LINGUA_RESUME_WINDOW_MS: '1000' })
  await world.node()
  for (let i = 0; i < 40; i += 1) {
    const client = world.raw(scheduler)
    await client.until(() => client.socket.connected)
    client.socket.emit('session.start', START, () => {})
    // Before it is begun, on the way, or done: by turns of the loop they share, whatever those take.
    for (let turns = 0; turns < i; turns += 1) await turn()
    client.leave()
  }
  const { control, keys } = store
  expect(await control.zcard(keys.sessions)).toBeGreaterThan(10)
  await expect.poll(() => control.zcard(keys.sessions), { timeout: 10_000 }).toBe(0)
})
