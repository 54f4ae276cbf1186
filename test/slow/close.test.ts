import { LIMITS } from '../../src/platform/limits.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { expect, test } from '../support/test.ts'

test('a close whose results do not come is answered at its deadline', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const client = world.raw(scheduler)
  await client.grant()
  client.append(0, scriptedAudio({ hang: 99 }))
  const began = performance.now()
  expect(await client.ask('session.close')).toEqual({ ok: true, lastIndex: 0, unfinished: 1 })
  expect(performance.now() - began).toBeGreaterThan(LIMITS.closeDrainMs - 50)
  expect(performance.now() - began).toBeLessThan(LIMITS.closeDrainMs + 1000)
  expect(client.closed).toBe('close')
})
