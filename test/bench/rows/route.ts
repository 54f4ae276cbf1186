import { createCompletionScripts, type CompletionScripts } from '../../../lua/completion.ts'
import { createFleetScripts } from '../../../lua/fleet.ts'
import { createKeys } from '../../../lua/keys.ts'
import { createRoutingScripts, type RoutingScripts } from '../../../lua/routing.ts'
import { defineScripts, type Call } from '../../../lua/scripts.ts'
import { createSessionScripts } from '../../../lua/session.ts'
import { leasePolicy, LIMITS } from '../../../src/platform/limits.ts'
import { gatewayId, nodeId, sessionId, type SessionId } from '../../../src/protocol/ids.ts'
import { readRedisUsage, usageBetween } from '../../support/redis-usage.ts'
import type { Context, Curve, Measured, Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { median, spreadOf } from '../statistics.ts'

const SIZES = [10, 100, 1000, 10_000] as const
const BATCH = 250
const AT_ONCE = 500

/** The script that chooses a node, in fleets of different sizes; each is the floor of the next. */
export const route: Row = {
  name: 'route',
  quick: true,
  async measure({ full, stage, tell }: Context): Promise<Measured> {
    const call = defineScripts(stage.redis)
    const fleets = []
    for (const size of SIZES) {
      tell(`registering ${size} nodes`)
      fleets.push({ size, fleet: await openFleet(call, size), us: [] as number[] })
    }
    const rounds = full ? 31 : 15
    for (let round = -1; round < rounds; round++) {
      if (round % 5 === 0) tell(`round ${round + 1} of ${rounds}`)
      for (const { fleet, us } of fleets) {
        const spent = await routeBatch(stage, fleet, round + 1)
        if (round >= 0) us.push(spent)
      }
    }
    const [smallest, largest] = [fleets[0]?.us ?? [], fleets.at(-1)?.us ?? []]
    const shown = (us: readonly number[]): string => `${median(us).toFixed(0)} us`
    return {
      figures: [
        {
          ...{ id: 'route', what: '`route` among 10,000 nodes, against 10', unit: 'x' },
          ...{ floor: shown(smallest), system: shown(largest), better: 'less' },
          score: spreadOf(largest.map((value, i) => value / (smallest[i] ?? NaN))),
          ...{ must: 3, aim: 1.25 },
          notes: [`time inside Redis, ${rounds} batches of ${BATCH}`],
        },
      ],
      curves: [
        {
          ...{ id: 'route', title: '`route`', of: 'nodes', unit: 'us' },
          points: fleets.map(({ size, us }) => ({ x: size, y: spreadOf(us) })),
        } satisfies Curve,
      ],
    }
  },
}

interface Fleet {
  readonly session: SessionId
  readonly routing: RoutingScripts
  readonly completion: CompletionScripts
}

/** So many equal nodes under a prefix of their own, and one session. */
async function openFleet(call: Call, size: number): Promise<Fleet> {
  const keys = createKeys(`{bench-${size}}`)
  const fleet = createFleetScripts({ call, keys, policy: leasePolicy(600_000) })
  for (let at = 0; at < size; at += AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, size - at) }, async (_, i) => {
        const id = `node-${at + i}`
        const { incarnation } = await fleet.registerNode({
          ...{ id, version: '0', capacity: 64, engines: [], host: 'bench' },
          languages: { recognize: ['en'], translate: [['en', 'es']], synthesize: ['es'] },
        })
        await fleet.beatNode({ node: nodeId(id), incarnation }, 'ready', {
          ...{ active: [], serviceMsPerAudioS: 0, rssMB: 0, loopBlockedMs: 0 },
        })
      }),
    )
  const session = sessionId('bench')
  await createSessionScripts({ call, keys }).startSession({
    ...{ session, gateway: gatewayId('g'), tokenHash: '', request: '{}', subject: 'bench' },
    lifeMs: LIMITS.sessionLifeMs,
  })
  return {
    session,
    routing: createRoutingScripts({
      ...{ call, keys },
      policy: {
        ...{ affinityPenaltyMs: 1500, affinityTtlMs: 300_000, startDeadlineMs: 8000 },
        ...{ overallDeadlineMs: 120_000, maxAttempts: LIMITS.maxAttempts },
        ...{ retryBackoffMs: LIMITS.retryBackoffMs, recordLifeMs: 120_000 },
      },
    }),
    completion: createCompletionScripts({
      ...{ call, keys },
      policy: {
        ...{ dedupWindowMs: 1000, sessionLifeMs: LIMITS.sessionLifeMs, recordLifeMs: 1000 },
        // Nobody reads these results.
        maxOutbox: 1_000_000,
      },
    }),
  }
}

/** Routes a batch of utterances and answers the time of one, us; then settles them all, which frees the slots. */
async function routeBatch({ redis }: Stage, fleet: Fleet, round: number): Promise<number> {
  const { session, routing, completion } = fleet
  const indices = Array.from({ length: BATCH }, (_, i) => round * BATCH + i)
  const before = await readRedisUsage(redis)
  const routed = await Promise.all(
    indices.map((index) =>
      routing.route({
        ...{ session, index, ended: { n: 0, code: undefined } },
        ...{ pairs: ['en>es'], home: 'clear' },
      }),
    ),
  )
  const { scriptUs, scripts } = usageBetween(before, await readRedisUsage(redis))
  const lost = routed.find(({ kind }) => kind !== 'node')
  if (lost) throw new Error(`route answered ${lost.kind}`)
  await Promise.all(
    indices.map((index) =>
      completion.settle({ session, index, attempt: 1, outcome: '{"outcome":"empty"}' }),
    ),
  )
  return scriptUs / scripts
}
