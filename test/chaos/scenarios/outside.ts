import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Breach } from '../checker/checker.ts'
import { settledOf, type View } from '../checker/view.ts'
import type { Scenario } from '../scenario.ts'
import type { Stage } from '../stage.ts'
import { openTalk } from '../talk.ts'
import { scripted } from '../speech.ts'
import { during, freezeRedis, pauseBetween, restartRedis, withoutRedis } from './steps.ts'

const RETURN_MS = 2000

const calm: Scenario = {
  name: 'calm',
  what: 'nothing is hurt',
  cast: { schedulers: 2, nodes: 3 },
  clients: 8,
  faults: (_, seconds) => pause(Math.min(seconds, 8) * 1000),
  alsoCheck: seesAll,
}

/** A recorder that sees nothing finds nothing: here it must have seen every step of every utterance. */
function seesAll({ utterances, of }: View): readonly Breach[] {
  const kinds = ['opened', 'acked', 'confirmed', 'started', 'taken', 'stored', 'beaten'] as const
  const unseen: string[] = kinds.filter((kind) => of(kind).length === 0)
  for (const utterance of utterances) {
    const { finals, emitted, cuts, routes, places, progress, finishes, settles } = utterance
    const isCancelled = finals[0]?.result.outcome === 'cancelled'
    const steps = isCancelled
      ? { emitted, cuts, settles }
      : { emitted, cuts, routes, places, progress, finishes, settles }
    for (const [name, facts] of Object.entries(steps))
      if (facts.length === 0) unseen.push(`${name} of ${utterance.session} ${utterance.index}`)
  }
  return unseen.map((what) => ({ promise: 'P11', where: 'recorder', what: `saw no ${what}` }))
}

const cutSockets: Scenario = {
  name: 'cut-sockets',
  what: 'connections between clients and gateways are cut at random',
  cast: { schedulers: 2, nodes: 3 },
  clients: 10,
  faults: (stage, seconds) =>
    during(seconds, async () => {
      await pauseBetween(stage, 100, 900)
      const share = stage.chance.next()
      for (const proxy of stage.proxies) proxy.cut(() => stage.chance.isWithin(share))
    }),
}

const halfOpen: Scenario = {
  name: 'half-open-sockets',
  what: 'connections carry nothing any more and nobody is told: only pings find out',
  cast: { schedulers: 2, nodes: 3 },
  clients: 8,
  async faults({ proxies, chance }) {
    for (const proxy of proxies) proxy.deafen(() => chance.isWithin(0.5))
    await pause(20_000)
  },
}

const redisKill: Scenario = {
  name: 'redis-kill',
  what: 'Redis dies by SIGKILL under load and is started again',
  cast: { schedulers: 2, nodes: 3 },
  clients: 8,
  terms: { returnMs: RETURN_MS },
  faults: (stage, seconds) =>
    during(seconds, async () => {
      const downMs = stage.chance.between(100, 4000)
      await restartRedis(stage, stage.redis, { signal: 'SIGKILL', downMs })
      await pauseBetween(stage, 2500, 4000)
    }),
}

const redisRestart: Scenario = {
  name: 'redis-restart',
  what: 'Redis is restarted in order under load',
  cast: { schedulers: 2, nodes: 3 },
  clients: 8,
  terms: { returnMs: RETURN_MS },
  faults: (stage, seconds) =>
    during(seconds, async () => {
      await restartRedis(stage, stage.redis, { signal: 'SIGTERM', downMs: 0 })
      await pauseBetween(stage, 3000, 5000)
    }),
}

const redisPause: Scenario = {
  name: 'redis-pause',
  what: 'Redis is stopped for 10 s over a busy fleet, then for 2 to 5 s',
  cast: { schedulers: 2, nodes: 3 },
  clients: 8,
  mix: { recognizeMs: 2500 },
  paceMs: 1000,
  terms: { returnMs: RETURN_MS },
  async faults(stage, seconds) {
    await freezeRedis(stage, 10_000)
    await pauseBetween(stage, 3000, 4000)
    await during(seconds - 13, async () => {
      await freezeRedis(stage, stage.chance.pick([2000, 3500, 5000]))
      await pauseBetween(stage, 3000, 4000)
    })
  },
}

const redisRefuses: Scenario = {
  name: 'redis-refuses',
  what: 'Redis forgets its scripts, is full (OOM), is read-only (READONLY)',
  cast: { schedulers: 2, nodes: 3 },
  clients: 8,
  terms: { returnMs: RETURN_MS },
  async faults(stage, seconds) {
    const redis = new Redis(stage.redis.url)
    try {
      await during(seconds, () => refuse(stage, redis))
    } finally {
      redis.disconnect()
    }
  },
}

async function refuse(stage: Stage, redis: Redis): Promise<void> {
  await redis.script('FLUSH')
  await pauseBetween(stage, 500, 1500)
  await withoutRedis(stage, 'OOM', async () => {
    await redis.config('SET', 'maxmemory', '1mb')
    await pauseBetween(stage, 1000, 4000)
    await redis.config('SET', 'maxmemory', '0')
  })
  await pauseBetween(stage, 2500, 3500)
  await withoutRedis(stage, 'READONLY', async () => {
    await redis.replicaof('127.0.0.1', 1)
    await pauseBetween(stage, 1000, 4000)
    await redis.replicaof('NO', 'ONE')
  })
  await pauseBetween(stage, 2500, 3500)
}

const redisOlder: Scenario = {
  name: 'redis-older',
  what: 'Redis dies by SIGKILL and comes back without its last second',
  cast: { schedulers: 2, nodes: 3 },
  clients: 6,
  faults: (stage, seconds) =>
    during(seconds, async () => {
      const forgetMs = stage.chance.between(50, 1000)
      await restartRedis(stage, stage.redis, { signal: 'SIGKILL', downMs: 300, forgetMs })
      await pauseBetween(stage, 4000, 6000)
    }),
}

const planesOlder: Scenario = {
  name: 'planes-older',
  what: 'both planes die and come back, each without a different part of its last second',
  cast: { schedulers: 2, nodes: 3, hasAudioRedis: true },
  clients: 6,
  faults: (stage, seconds) =>
    during(seconds, async () => {
      const { chance, redis, audioRedis } = stage
      const older = (of: typeof redis) =>
        restartRedis(stage, of, {
          signal: 'SIGKILL',
          downMs: 300,
          forgetMs: chance.between(0, 1000),
        })
      await Promise.all([older(redis), older(audioRedis)])
      await pauseBetween(stage, 4000, 6000)
    }),
}

const abandoned: Scenario = {
  name: 'abandoned',
  what: 'clients are gone for good in the middle of an utterance: their sessions are finished',
  cast: { schedulers: 2, nodes: 2 },
  clients: 2,
  async faults({ urls, history, schedulers }) {
    for (let i = 0; i < 4; i += 1) {
      const talk = await openTalk({ urls, history, client: `gone-${i}` })
      talk.append(scripted({ text: 'said', recognizeMs: 100 }))
      await talk.commit()
      talk.append(scripted({ text: 'never committed' }))
      await pause(300)
      talk.leave()
    }
    await schedulers[0]?.kill()
    await pause(2000)
  },
  alsoCheck: ({ sessions }) =>
    sessions
      .filter(({ ended }) => ended?.reason === 'left')
      .flatMap(({ id, utterances }): Breach[] => {
        const translated = utterances.filter((each) => settledOf(each)?.outcome === 'translated')
        if (translated.length === 2) return []
        const what = `of 2 utterances ${translated.length} were translated when its client was gone`
        return [{ promise: 'P11', where: id, what }]
      }),
}

const everything: Scenario = {
  name: 'everything',
  what: 'nodes, schedulers, sockets and Redis fail together, whatever comes',
  cast: { schedulers: 3, nodes: 5 },
  clients: 8,
  mix: { failing: 0.1, hopeless: 0.01, crashing: 0.005 },
  async faults(stage, seconds) {
    await during(seconds, async () => {
      await stage.chance.pick(TROUBLES)(stage)
      await pauseBetween(stage, 300, 1500)
    })
  },
}

const TROUBLES: readonly ((stage: Stage) => Promise<unknown>)[] = [
  ({ chance, nodes }) => chance.pick(nodes).kill(),
  ({ nodes }) => Promise.all(nodes.map((node) => node.start())),
  async ({ chance, schedulers }) => {
    const doomed = chance.pick(schedulers)
    await doomed.kill()
    await doomed.start()
  },
  async ({ chance, proxies }) => chance.pick(proxies).cut(() => chance.isWithin(0.6)),
  (stage) => freezeRedis(stage, stage.chance.between(500, 3500)),
  (stage) => restartRedis(stage, stage.redis, { signal: 'SIGKILL', downMs: 500 }),
  async ({ chance, nodes }) => {
    const frozen = chance.pick(nodes)
    frozen.freeze()
    await pause(chance.between(500, 4000))
    frozen.thaw()
  },
]

export const OUTSIDE_SCENARIOS: readonly Scenario[] = [
  calm,
  cutSockets,
  halfOpen,
  redisKill,
  redisRestart,
  redisPause,
  redisRefuses,
  redisOlder,
  planesOlder,
  abandoned,
  everything,
]
