import { afterEach, vi } from 'vitest'
import { createLog } from '../../src/platform/log.ts'
import { openQueues } from '../../src/platform/queues.ts'
import { expect, test } from '../support/store.ts'

afterEach(() => void vi.useRealTimers())

test('the queue of a life that is over is not held for ever, one in use is', async ({ store }) => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const { control, keys } = store
  const before = control.listenerCount('error')
  const queues = openQueues(control, keys.prefix, createLog('silent', 'test'))
  const inUse = queues.node('node-a-1')
  for (let hour = 0; hour < 6; hour += 1) {
    queues.node(`node-b-${hour}`)
    for (let minute = 0; minute < 60; minute += 5) {
      vi.advanceTimersByTime(300_000)
      expect(queues.node('node-a-1')).toBe(inUse)
    }
  }
  // That of utterances, and the one in use.
  await expect.poll(() => control.listenerCount('error') - before).toBe(2)
  await queues.close()
  expect(control.listenerCount('error')).toBe(before)
})
