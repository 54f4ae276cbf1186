import { inject } from 'vitest'
import { createFleetScripts } from '../../lua/fleet.ts'
import { leasePolicy } from '../../src/platform/limits.ts'
import { nodeId } from '../../src/protocol/ids.ts'
import { openLease } from '../../workers/lease.ts'
import { describeNode } from '../lua/rooms.ts'
import { expect, test } from '../support/test.ts'

const LEASE_MS = 2000
const IDLE = { active: [], serviceMsPerAudioS: 0, rssMB: 0, lateResults: 0 }

test('a life that is over before it wants to be ready waits for nothing', async ({ store }) => {
  const { call, keys } = store
  const fleet = createFleetScripts({ call, keys, policy: leasePolicy(LEASE_MS) })
  const register = async () => {
    const { incarnation } = await fleet.registerNode(describeNode('n'))
    return { node: nodeId('n'), incarnation }
  }
  const where = { url: inject('redisUrl'), prefix: keys.prefix, leaseMs: LEASE_MS }
  const lease = await openLease(where, () => IDLE)
  try {
    const life = await register()
    await register()
    const beating = await new Promise<ReturnType<typeof lease.begin>>((resolve) => {
      const begun = lease.begin(life, {
        order: () => {},
        missed: () => {},
        superseded: () => resolve(begun),
      })
    })
    await expect(beating.become('ready')).resolves.toBeUndefined()
  } finally {
    await lease.close()
  }
})
