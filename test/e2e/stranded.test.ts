import { createFleetScripts } from '../../lua/fleet.ts'
import { childKey, nodeQueue } from '../../lua/keys.ts'
import { createRoutingScripts } from '../../lua/routing.ts'
import { createSessionScripts } from '../../lua/session.ts'
import { readConfig } from '../../src/platform/config.ts'
import { leasePolicy } from '../../src/platform/limits.ts'
import { createLog } from '../../src/platform/log.ts'
import { openQueues } from '../../src/platform/queues.ts'
import type { Store } from '../../src/platform/redis.ts'
import { attemptId, gatewayId, jobId, nodeId, sessionId } from '../../src/protocol/ids.ts'
import { TRANSLATE, type ChildJob } from '../../src/protocol/jobs.ts'
import { createSevering } from '../../src/routing/sever.ts'
import { describeNode, ROUTE } from '../lua/rooms.ts'
import { JOB } from '../workers/world.ts'
import { expect, test } from '../support/test.ts'

/** What is left of a life of a node, apart from its record. */
async function traces({ control, keys }: Store, life: string): Promise<string[]> {
  const all = await control.keys(`${keys.prefix}:*`)
  return all.filter((key) => key.includes(life))
}

/** A node by hand, an utterance routed to it, and a scheduler that is slow to add the child. */
async function buildSlow(store: Store) {
  const { call, control, keys } = store
  const fleet = createFleetScripts({ call, keys, policy: leasePolicy(readConfig().leaseMs) })
  const { incarnation } = await fleet.registerNode(describeNode('a'))
  const life = { node: nodeId('a'), incarnation }
  await fleet.beatNode(life, 'ready', {
    ...{ active: [], serviceMsPerAudioS: 0, rssMB: 1, loopBlockedMs: 0 },
  })
  const session = sessionId('s')
  await createSessionScripts({ call, keys }).startSession({
    ...{ session, gateway: gatewayId('g'), tokenHash: '', subject: 'me', request: '{}' },
    ...{ lifeMs: 60_000, maxSessions: 1 },
  })
  const routing = createRoutingScripts({ call, keys, policy: ROUTE })
  const ask = { session, index: 0, pairs: ['en>es'], home: 'clear' as const }
  await routing.route({ ...ask, ended: { n: 0, code: undefined } })
  const queues = openQueues(control, keys.prefix, createLog('silent', 'test'))
  const name = nodeQueue(life.node, incarnation)
  const child = attemptId(jobId(session, 0), 1)
  const severing = createSevering({ control, keys, queues })
  return {
    fleet,
    life,
    queues,
    routing,
    ask,
    /** What a scheduler does once it has routed. */
    async addChild() {
      await queues.node(name).add(TRANSLATE, JOB satisfies ChildJob, { jobId: child })
      const word = await routing.confirmAttempt({ ...ask, n: 1, ...life })
      if (word !== 'confirmed')
        await severing.child(jobId(session, 0), childKey(keys.prefix, name, child))
      return word
    },
  }
}

test.for([
  ['of the current attempt', 'fenced'],
  ['of one that was replaced meanwhile', 'superseded'],
] as const)(
  'a child %s that is added after its node was fenced is not stranded, and brings no queue back',
  async ([, word], { world }) => {
    const store = await world.store()
    const { control, keys } = store
    const slow = await buildSlow(store)
    await world.scheduler()
    await slow.fleet.leaveFleet(slow.life)
    await expect.poll(() => control.zcard(keys.fencing)).toBe(0)
    expect(await traces(store, slow.life.incarnation)).toEqual([])
    if (word === 'superseded')
      await slow.routing.route({ ...slow.ask, ended: { n: 1, code: undefined } })
    expect(await slow.addChild()).toBe(word)
    await expect.poll(() => traces(store, slow.life.incarnation)).toEqual([])
    expect(await control.zcard(keys.fencing)).toBe(0)
    await slow.queues.close()
  },
)
