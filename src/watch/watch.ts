import type { Redis } from 'ioredis'
import type { CompletionScripts } from '../../lua/completion.ts'
import type { FleetScripts, Life } from '../../lua/fleet.ts'
import { nodeQueue, type Keys } from '../../lua/keys.ts'
import type { Completion } from '../completion/completion.ts'
import { failed } from '../completion/outcome.ts'
import type { AudioStore } from '../platform/audio.ts'
import { LIMITS } from '../platform/limits.ts'
import type { Service } from '../platform/lifecycle.ts'
import type { Log } from '../platform/log.ts'
import type { Queues } from '../platform/queues.ts'
import { isRedisDown } from '../platform/redis.ts'
import {
  incarnation,
  nodeId,
  parseAttemptId,
  sessionId,
  type AttemptId,
  type SessionId,
} from '../protocol/ids.ts'
import type { Promote } from '../routing/promote.ts'
import type { Severing } from '../routing/sever.ts'

export interface WatchDeps {
  readonly control: Redis
  readonly keys: Keys
  readonly queues: Queues
  readonly fleet: Pick<FleetScripts, 'tickWatch'>
  readonly scripts: Pick<CompletionScripts, 'markGap'>
  readonly completion: Completion
  readonly severing: Severing
  readonly promote: Promote
  readonly headWaitMs: number
  readonly startDeadlineMs: number
  readonly resumeWindowMs: number
  /** Attends a session that nobody attends: cuts its rest, and closes it once all is settled. */
  readonly sweep: (session: SessionId) => Promise<void>
  readonly audio: Pick<AudioStore, 'forgetCut'>
  readonly log: Log
}

/** Most items of each kind that one tick takes on; the next one sees the rest. */
const BATCH = 100
/** Finished jobs are looked after once in so many ticks: each names its session for that much longer. */
const CLEAN_TICKS = 40

/**
 * Notices what nobody reports: nodes that fell silent, attempts past their deadline, results that hold
 * others back, sessions whose clients are gone. Every scheduler runs one and none is special: each step may be done twice, the loser's
 * error is harmless, and what a dying watch leaves half done another one finds in the same zset.
 */
export function createWatch(deps: WatchDeps): Service {
  const { fleet, log } = deps
  const busy = new Map<string, Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let ticking: Promise<void> = Promise.resolve()
  let ticks = 0

  /** Runs a step beside the tick, once at a time for each subject: a tick never waits for a step. */
  const once = (subject: string, step: () => Promise<void>): void => {
    if (busy.has(subject)) return
    const run = step()
      .catch((error: unknown) => note(log, error, subject))
      .finally(() => busy.delete(subject))
    busy.set(subject, run)
  }
  const tick = async (): Promise<void> => {
    const { headWaitMs, startDeadlineMs, resumeWindowMs } = deps
    const due = await fleet.tickWatch({
      ...{ limit: BATCH, headWaitMs, startDeadlineMs, resumeWindowMs },
    })
    for (const life of due.fencing)
      once(nodeQueue(life.node, life.incarnation), () => fence(deps, life))
    for (const attempt of due.overdue) once(attempt, () => endOverdue(deps, attempt))
    for (const session of due.gaps) once(session, () => markGap(deps, session))
    if (due.waiting.length > 0) once('waiting', () => deps.promote(due.waiting))
    for (const session of due.orphans) once(`orphan ${session}`, () => deps.sweep(session))
    once('failed parents', () => endFailed(deps))
    if (ticks % CLEAN_TICKS === 0) once('finished parents', () => cleanFinished(deps))
    ticks += 1
  }
  return {
    name: 'watch',
    async start() {
      await tick()
      timer = setInterval(() => {
        ticking = tick().catch((error: unknown) => note(log, error, 'tick'))
      }, LIMITS.watchMs)
    },
    async stop() {
      clearInterval(timer)
      await ticking
      await Promise.all(busy.values())
    },
  }
}

/** Out of the pools already: delete its queue, which wakes every parent, then forget its slots. */
async function fence({ control, keys, queues, log }: WatchDeps, life: Life): Promise<void> {
  const name = nodeQueue(life.node, life.incarnation)
  await queues.node(name).obliterate({ force: true }).catch(ignoreGone)
  await queues.forget(name)
  await control
    .multi()
    .unlink(keys.slots(life.node, life.incarnation), keys.orders(life.node, life.incarnation))
    .zrem(keys.fencing, `${life.node}-${life.incarnation}`)
    .exec()
  log.info({ node: life.node, incarnation: life.incarnation }, 'node fenced')
}

/** What BullMQ says of a queue that another watch has deleted since this one paused it. */
const GONE = 'Cannot obliterate non-paused queue'

function ignoreGone(error: unknown): void {
  if (!(error instanceof Error) || error.message !== GONE) throw error
}

/**
 * Cuts an attempt past its deadline loose: its parent wakes and goes on elsewhere. Without a parent nobody
 * will end it: its record is closed here, and the next beats of its node free the slot.
 */
async function endOverdue({ control, keys, severing, log }: WatchDeps, attempt: AttemptId) {
  const parsed = parseAttemptId(attempt)
  const record =
    parsed && (await control.hmget(keys.attempt(parsed.job), 'n', 'node', 'incarnation', 'open'))
  const [n, node, life, open] = record ?? []
  if (!parsed || Number(n) !== parsed.n || open !== '1' || !node || !life) {
    await control.zrem(keys.deadlines, attempt)
    return
  }
  log.info({ utterance: parsed.job, attempt, node }, 'attempt overdue')
  await severing.attempt(parsed.job, {
    n: parsed.n,
    node: nodeId(node),
    incarnation: incarnation(life),
  })
  if ((await control.exists(keys.parent(parsed.job))) === 0)
    await control.hdel(keys.attempt(parsed.job), 'open')
}

async function markGap({ scripts, headWaitMs, log }: WatchDeps, session: SessionId) {
  const answer = await scripts.markGap({ session, headWaitMs })
  if (answer.kind === 'marked') log.info({ session, index: answer.index }, 'gap marked')
}

/** A parent that BullMQ itself gave up, which should not happen, ends like any other utterance. */
async function endFailed({ queues, completion, audio, log }: WatchDeps): Promise<void> {
  for (const parent of await queues.utterances.getFailed(0, BATCH - 1)) {
    const { sessionId: session, index } = parent.data
    log.error({ session, utterance: parent.id, why: parent.failedReason }, 'parent failed')
    const outcome = failed(parent.data, 'internal')
    await completion.settle({ session: sessionId(session), index, attempt: undefined, outcome })
    await audio.forgetCut(sessionId(session), index)
    await queues.utterances.remove(parent.id ?? '')
  }
}

/** BullMQ removes what finished long ago only when something else finishes. */
async function cleanFinished({ queues }: WatchDeps): Promise<void> {
  await queues.utterances.clean(LIMITS.finishedJobLifeMs, 10 * BATCH, 'completed')
}

function note(log: Log, error: unknown, subject: string): void {
  if (isRedisDown(error)) log.debug({ err: error, subject }, 'watch waits for redis')
  else log.warn({ err: error, subject }, 'watch step failed')
}
