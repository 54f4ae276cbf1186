import { setTimeout as pause } from 'node:timers/promises'
import type { Part } from '../../src/tools/processes.ts'
import { expect, test } from '../support/fleet.ts'

const ask = async (part: Part, path: string) => {
  const response = await fetch(`${part.ready.url}${path}`)
  return { status: response.status, text: await response.text() }
}

test('a process that stood still for over 5 s is not healthy for a while, then it is', async ({
  fleet,
}) => {
  const scheduler = await fleet.scheduler()
  scheduler.kill('SIGSTOP')
  // Not a wait for anything: the block itself.
  await pause(5600)
  scheduler.kill('SIGCONT')
  expect(await ask(scheduler, '/healthz')).toMatchObject({
    status: 503,
    text: expect.stringMatching(/^the event loop was blocked for 5\d\d\d ms\n$/),
  })
  const health = () => ask(scheduler, '/healthz')
  await expect.poll(health, { timeout: 15_000 }).toEqual({ status: 200, text: 'ok\n' })
})
