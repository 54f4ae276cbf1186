import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from '../support/test.ts'

/** What nobody holds is gone after it: a grace that is counted by such a thing never ends. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc()')
}

test('who does not go when asked to holds a stopping scheduler up for its grace, and no longer', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const client = world.raw(scheduler)
  await client.grant()
  const began = performance.now()
  const stopped = scheduler.stop(4000)
  await client.until(() => client.goaways.length > 0)
  await pause(100)
  collectGarbage()
  await stopped
  expect(performance.now() - began).toBeGreaterThan(1900)
  expect(performance.now() - began).toBeLessThan(3500)
})
