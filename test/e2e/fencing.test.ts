import { pino } from 'pino'
import { inject, onTestFinished } from 'vitest'
import { createFleetScripts } from '../../lua/fleet.ts'
import { nodeQueue } from '../../lua/keys.ts'
import { readConfig } from '../../src/platform/config.ts'
import { leasePolicy } from '../../src/platform/limits.ts'
import { nodeId } from '../../src/protocol/ids.ts'
import { createScheduler } from '../../src/scheduler.ts'
import { expect, test } from '../support/test.ts'

const NODE = {
  id: 'n',
  version: '1',
  capacity: 1,
  languages: { recognize: [], translate: [], synthesize: [] },
  engines: [],
  host: 'here',
}

test('watches fence the lives of a node together, and the losers of the race say nothing', async ({
  world,
  prefix,
}) => {
  const warnings: string[] = []
  const config = readConfig({
    REDIS_URL: inject('redisUrl'),
    PORT: '0',
    LINGUA_KEY_PREFIX: prefix,
  })
  const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line) })
  const { call, control, keys } = await world.store()
  const fleet = createFleetScripts({ call, keys, policy: leasePolicy(config.leaseMs) })
  const lives = []
  for (let i = 0; i < 60; i += 1) lives.push(await fleet.registerNode(NODE))
  const stores = await Promise.all([1, 2, 3].map(() => world.store()))
  await Promise.all(
    stores.map(async (store) => {
      const scheduler = await createScheduler({ config, store, log })
      onTestFinished(() => scheduler.stop(0))
    }),
  )
  await expect.poll(() => control.zcard(keys.fencing), { timeout: 5000 }).toBe(0)
  const queues = lives.map(({ incarnation }) => nodeQueue(nodeId(NODE.id), incarnation))
  const left = await Promise.all(queues.map((name) => control.exists(`${prefix}:${name}:meta`)))
  expect(left.filter(Boolean)).toEqual([])
  expect(warnings).toEqual([])
})
