import { createCompletionScripts } from '../../lua/completion.ts'
import { createFleetScripts } from '../../lua/fleet.ts'
import { createKeys } from '../../lua/keys.ts'
import { createRoutingScripts } from '../../lua/routing.ts'
import { createSessionScripts } from '../../lua/session.ts'
import { nodeId, sessionId } from '../../src/protocol/ids.ts'
import type { Store } from '../../src/platform/redis.ts'
import { describeNode, GATEWAY, LEASE, ROUTE, SETTLE } from '../lua/rooms.ts'
import { tell, waitAt } from '../simulation/report.ts'
import { simulate } from '../simulation/simulation.ts'
import { readRedisUsage, usageBetween } from '../support/redis-usage.ts'
import { expect, test } from '../support/store.ts'

test('a thousand nodes that come and go: speech stays home, no node is hot, nobody overtakes', async ({
  store,
  annotate,
}) => {
  const report = await simulate(store, {
    capacities: Array.from({ length: 1000 }, (_, i) => 1 + (i % 4)),
    ...{ serviceMs: 800, load: 0.7, utterances: 20_000, continued: 0.6, churnMs: 500, seed: 11 },
  })
  await annotate(tell(report))
  expect(report.affinity.asked).toBeGreaterThan(1000)
  expect(report.affinity.hit / report.affinity.asked, tell(report)).toBeGreaterThanOrEqual(0.95)
  const perSlot = 20_000 / 2500
  const most = Math.max(...report.shares.map(({ given, capacity }) => given / capacity))
  expect(most / perSlot, tell(report)).toBeLessThan(4)
  expect(report.inversions, tell(report)).toBe(0)
}, 300_000)

test('who stands in line and is woken by a free slot asks less often than who asks every 250 ms, and waits no longer', async ({
  store,
  prefix,
  annotate,
}) => {
  const plan = {
    ...{ capacities: [1, 1, 2], serviceMs: 800, load: 1.05, utterances: 600, continued: 0.3 },
    ...{ churnMs: 0, seed: 7 },
  }
  const woken = await simulate(store, plan)
  const keys = createKeys(prefix.replace('}', '-polled}'))
  const polled = await simulate({ ...store, keys }, { ...plan, pollMs: 250 })
  await annotate(`woken: ${tell(woken)}`)
  await annotate(`polled: ${tell(polled)}`)
  expect(woken.questions).toBeLessThan(polled.questions / 2)
  for (const q of [0.5, 0.99]) expect(waitAt(woken, q)).toBeLessThan(1.1 * waitAt(polled, q))
}, 60_000)

const BATCH = 200
const ROUNDS = 5

/** More than a node of capacity 1 may hold, so that it stays full. */
const FILLING = ['x.1', 'x.2', 'x.3', 'x.4', 'x.5'].flatMap((attempt) => [0, attempt])

/** Median time of one `route` inside Redis among so many equal nodes, all idle or all full, us. */
async function costOfRoute(
  { call, control }: Store,
  prefix: string,
  { size, full }: { size: number; full: boolean },
) {
  const keys = createKeys(prefix)
  const policy = { ...LEASE, leaseMs: 600_000 }
  const fleet = createFleetScripts({ call, keys, policy })
  const ids = Array.from({ length: size }, (_, i) => nodeId(`n${i}`))
  for (let at = 0; at < size; at += BATCH)
    await Promise.all(
      ids.slice(at, at + BATCH).map(async (node) => {
        const { incarnation } = await fleet.registerNode(
          describeNode(node, { capacity: full ? 1 : 64 }),
        )
        if (full) await control.zadd(keys.slots(node, incarnation), ...FILLING)
        await fleet.beatNode({ node, incarnation }, 'ready', {
          ...{ active: [], serviceMsPerAudioS: 0, rssMB: 1, loopBlockedMs: 0 },
        })
      }),
    )
  const session = sessionId('s')
  const start = { session, gateway: GATEWAY, tokenHash: '', request: '{}', subject: 'me' }
  await createSessionScripts({ call, keys }).startSession({ ...start, lifeMs: 600_000 })
  const routing = createRoutingScripts({ call, keys, policy: ROUTE })
  const settled = { ...SETTLE, maxOutbox: 1_000_000 }
  const completion = createCompletionScripts({ call, keys, policy: settled })
  const spent: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const indices = Array.from({ length: BATCH }, (_, i) => round * BATCH + i)
    const before = await readRedisUsage(control)
    await Promise.all(
      indices.map((index) => {
        const ended = { n: 0, code: undefined }
        return routing.route({ session, index, ended, pairs: ['en>es'], home: 'clear' })
      }),
    )
    const { scriptUs, scripts } = usageBetween(before, await readRedisUsage(control))
    spent.push(scriptUs / scripts)
    const outcome = '{"outcome":"empty"}'
    await Promise.all(
      indices.map((index) => completion.settle({ session, index, attempt: 1, outcome })),
    )
  }
  return spent.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? NaN
}

test.for(['idle', 'full'] as const)(
  'a choice among ten thousand %s nodes costs less than three times one among ten',
  { timeout: 120_000 },
  async (state, { store, prefix, annotate }) => {
    const costs: number[] = []
    for (const size of [10, 100, 1000, 10_000]) {
      const own = prefix.replace('}', `-${size}}`)
      costs.push(await costOfRoute(store, own, { size, full: state === 'full' }))
    }
    await annotate(costs.map((us) => `${us.toFixed(0)} us`).join(', '))
    const [first = NaN] = costs
    expect(costs.at(-1), costs.join(' ')).toBeLessThan(3 * first)
  },
)
