import { setTimeout as pause } from 'node:timers/promises'
import type { Member, Strike } from '../member.ts'
import type { Scenario } from '../scenario.ts'
import type { Stage } from '../stage.ts'
import { during, pauseBetween } from './steps.ts'

/** BullMQ's `lockDuration` on `utterances`. */
const LOCK_MS = 5000

const kills: Scenario = {
  name: 'scheduler-kills',
  what: 'schedulers die by SIGKILL at random, gateways and all, and come back',
  cast: { schedulers: 3, nodes: 3 },
  clients: 8,
  faults: (stage, seconds) =>
    during(seconds, async () => {
      const doomed = stage.chance.pick(stage.schedulers)
      await doomed.kill()
      await pauseBetween(stage, 200, 1500)
      await doomed.start()
      await pauseBetween(stage, 200, 1500)
    }),
}

/** Everything that a scheduler does to an utterance or a session, command by command. */
export const POINTS = [
  'startSession',
  'resumeSession',
  'openAudio',
  'touchSession',
  'appendAudio',
  'cutAudio',
  'addStandardJob',
  'moveToActive',
  'route',
  'confirmAttempt',
  'moveToWaitingChildren',
  'moveToDelayed',
  'settle',
  'moveToFinished',
  'removeChildDependency',
  'closeSession',
  'obliterate',
  'hdel',
  'xtrim',
] as const

const crashPoints: Scenario = {
  name: 'crash-points',
  what: 'schedulers die right before or after a named script, one script after another',
  cast: { schedulers: 3, nodes: 4 },
  clients: 8,
  mix: { failing: 0.15 },
  async faults(stage, seconds) {
    const { chance, schedulers, nodes } = stage
    const points = chance
      .shuffle(POINTS.flatMap((script) => [at(script, 'before'), at(script, 'after')]))
      .map((point) => ({ ...point, nth: chance.between(1, 6) }))
    const end = Date.now() + seconds * 1000
    const lane = async (scheduler: Member): Promise<void> => {
      for (let next = points.shift(); next && Date.now() < end; next = points.shift())
        await crash(scheduler, next)
    }
    const nodesFail = during(seconds, async () => {
      const doomed = chance.pick(nodes)
      await doomed.kill()
      await doomed.start()
      await pause(3000)
    })
    await Promise.all([...schedulers.slice(0, 2).map(lane), nodesFail])
  },
}

const at = (script: string, when: 'before' | 'after') => ({
  ...{ script, when },
  signal: 'SIGKILL' as const,
})

const PATIENCE_MS = 4000

/** Starts a scheduler that will die at a point; where nothing leads there, it dies anyhow. */
async function crash(scheduler: Member, strike: Strike): Promise<void> {
  await scheduler.kill()
  await scheduler.start([strike]).catch(() => {})
  await Promise.race([scheduler.ended, pause(PATIENCE_MS)])
}

const freezes: Scenario = {
  name: 'scheduler-freezes',
  what: 'schedulers are stopped past the locks of their jobs, some lose their clients meanwhile',
  cast: { schedulers: 3, nodes: 3 },
  clients: 8,
  faults: (stage, seconds) =>
    during(seconds, async () => {
      const { chance, schedulers, proxies } = stage
      const i = chance.between(0, schedulers.length - 1)
      schedulers[i]?.freeze()
      if (chance.isWithin(0.5)) proxies[i]?.cut(() => chance.isWithin(0.7))
      await pauseBetween(stage, LOCK_MS + 500, LOCK_MS + 3000)
      schedulers[i]?.thaw()
      await pauseBetween(stage, 500, 1500)
    }),
}

const rolling: Scenario = {
  name: 'rolling-restart',
  what: 'every scheduler, then every node, is ended in order by SIGTERM and started again',
  cast: { schedulers: 3, nodes: 3 },
  clients: 8,
  faults: (stage, seconds) => during(seconds, () => restartAll(stage)),
}

async function restartAll(stage: Stage): Promise<void> {
  for (const member of [...stage.schedulers, ...stage.nodes]) {
    await member.end()
    await member.start()
    await pauseBetween(stage, 200, 600)
  }
}

export const SCHEDULER_SCENARIOS: readonly Scenario[] = [kills, crashPoints, freezes, rolling]
