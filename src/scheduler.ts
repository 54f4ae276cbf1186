import { randomBytes } from 'node:crypto'
import { createCompletionScripts } from '../lua/completion.ts'
import { createFleetScripts } from '../lua/fleet.ts'
import { createAudioRestoreScripts, createRestoreScripts } from '../lua/restore.ts'
import { createRoutingScripts } from '../lua/routing.ts'
import { createAudioScripts } from '../lua/audio.ts'
import { createSessionScripts, type Touched } from '../lua/session.ts'
import { createCompletion } from './completion/completion.ts'
import { createOutbox } from './completion/outbox.ts'
import type { SettledOutcome } from './completion/outcome.ts'
import { createResults } from './completion/results.ts'
import { createAuthenticate } from './gateway/auth.ts'
import { createGateway, type Gateway } from './gateway/gateway.ts'
import { createHttp, listen } from './gateway/http.ts'
import { createAudioStore } from './platform/audio.ts'
import { systemClock } from './platform/clock.ts'
import type { Config } from './platform/config.ts'
import { leasePolicy, LIMITS } from './platform/limits.ts'
import { startAll } from './platform/lifecycle.ts'
import type { Log } from './platform/log.ts'
import { createMetrics } from './platform/metrics.ts'
import { openQueues } from './platform/queues.ts'
import { createPulse } from './platform/pulse.ts'
import { whyRefused, type Store } from './platform/redis.ts'
import { ERROR_CODES } from './protocol/codes.ts'
import type { StartRequest } from './protocol/events.ts'
import { gatewayId, jobId, sessionId } from './protocol/ids.ts'
import { createExplain } from './routing/explain.ts'
import { createServedPairs } from './routing/pairs.ts'
import { createPromote } from './routing/promote.ts'
import { createRouter } from './routing/router.ts'
import { createSevering } from './routing/sever.ts'
import { createOrphans } from './session/orphans.ts'
import { createSessions, type SessionDeps } from './session/sessions.ts'
import { openVads } from './session/vad.ts'
import { createCancel } from './utterances/cancel.ts'
import { createProcessor } from './utterances/processor.ts'
import { createUtterancesWorker } from './utterances/worker.ts'
import { createWatch } from './watch/watch.ts'

export interface SchedulerOptions {
  readonly config: Config
  readonly store: Store
  readonly log: Log
}

export interface Scheduler {
  /** Where clients connect and operators ask. */
  readonly url: string
  /** Takes nothing new, finishes what is in hand within `timeoutMs`, then lets go. The store stays open. */
  stop(timeoutMs: number): Promise<void>
}

/** Starts one scheduler. Any number may share a Redis; each may die at any moment. */
export async function createScheduler({
  config,
  store,
  log,
}: SchedulerOptions): Promise<Scheduler> {
  const { keys, audioKeys, call, callAudio, control } = store
  const gatewayName = gatewayId(`g-${randomBytes(6).toString('hex')}`)
  let gateway: Gateway | undefined
  const pulse = createPulse(systemClock)

  // ground: names, scripts, bytes, queues
  const metrics = createMetrics(() => gateway?.sessions ?? 0)
  const queues = openQueues(control, keys.prefix, log)
  const audio = createAudioStore(store.audio, audioKeys)
  const audioScripts = createAudioScripts({ call: callAudio, keys: audioKeys })
  const sessionScripts = createSessionScripts({ call, keys })
  const completionScripts = createCompletionScripts({ call, keys, policy: settlePolicy(config) })
  const routingScripts = createRoutingScripts({ call, keys, policy: routePolicy(config) })
  const fleet = createFleetScripts({ call, keys, policy: leasePolicy(config.leaseMs) })

  // rooms: sessions, routing, completion
  const vads = await openVads({ clock: systemClock, log })
  const outbox = createOutbox(control, keys)
  const sessionDeps: SessionDeps = {
    scripts: {
      ...sessionScripts,
      ...audioScripts,
      ...createRestoreScripts({ call, keys }),
      ...createAudioRestoreScripts({ call: callAudio, keys: audioKeys }),
    },
    life: () => store.life.current(),
    audio,
    audioKeys,
    vads,
    gateway: gatewayName,
    mostOfSubject: config.authSecret === undefined ? undefined : LIMITS.maxSessionsOfSubject,
    clock: systemClock,
    async enqueue(job) {
      const id = jobId(sessionId(job.sessionId), job.index)
      await queues.utterances.add('utterance', job, { jobId: id })
    },
    settled: (session, indices) => outbox.settled(session, indices),
    settleLost: async (session, index, startMs) => {
      const outcome = { ...LOST, startMs, audioMs: 0 }
      await completion.settle({ session, index, attempt: undefined, outcome })
    },
    parseRequest: (text): StartRequest => JSON.parse(text),
  }
  const sessions = createSessions(sessionDeps)
  const { resumeWindowMs } = config
  const severing = createSevering({ control, keys, queues })
  const router = createRouter({ scripts: routingScripts, affinity: config.affinity.mode })
  const servedPairs = createServedPairs({ control, keys })
  const promote = createPromote({ control, keys, queues })
  const completion = createCompletion({ scripts: completionScripts, log, metrics, promote })
  const results = createResults({ outbox, audio, log })

  // floors above: the processor of utterances, the watch, the edge
  const processor = createProcessor({
    keys,
    audioKeys,
    queues,
    scripts: routingScripts,
    router,
    severing,
    completion,
    audio,
    startDeadlineMs: config.startDeadlineMs,
    metrics,
    log,
  })
  const utterances = createUtterancesWorker({
    connection: store.worker,
    prefix: keys.prefix,
    processor,
    log,
  })
  const watch = createWatch({
    control,
    keys,
    queues,
    fleet,
    scripts: completionScripts,
    completion,
    severing,
    promote,
    headWaitMs: config.headWaitMs,
    startDeadlineMs: config.startDeadlineMs,
    resumeWindowMs,
    sweep: createOrphans({ ...sessionDeps, resumeWindowMs, log }),
    audio,
    log,
  })
  const http = createHttp({
    registry: metrics.registry,
    blockedMs: () => pulse.blockedMs,
    explain: createExplain({ control, keys, scripts: routingScripts }),
    unready: async () =>
      gateway?.isDraining
        ? 'draining'
        : ((await whyRefused(control, keys.prefix)) ??
          (await whyRefused(store.audio, keys.prefix))),
  })
  gateway = createGateway({
    http,
    clock: systemClock,
    log,
    sessions,
    results,
    authenticate: createAuthenticate(config.authSecret),
    subscribe: (listener) => store.subscribe(keys.gateway(gatewayName), listener),
    admit: (request) => servedPairs.assertServed(request),
    cancel: createCancel({ control, keys, completion, severing, log }),
    close: async (session, state, reason) => {
      const { id, epoch, lastIndex } = session
      const word = await sessionScripts.closeSession({
        session: id,
        epoch,
        lastIndex,
        state,
        reason,
        lifeMs: LIMITS.sessionLifeMs,
      })
      return word === state
    },
    onOlder(tell) {
      store.life.onChanged(tell)
      store.audioLife.onChanged(tell)
    },
    restore: (session) => sessions.restore(session),
    touchMs: Math.min(LIMITS.touchMs, resumeWindowMs / 4),
    touch: async (held, isUsed = false) => {
      const words = await Promise.all(held.map((session) => sessions.touch(session, isUsed)))
      const which = (word: Touched) => held.filter((_, i) => words[i] === word)
      return { superseded: which('superseded'), unknown: which('unknown_session') }
    },
    counted: (reason) => metrics.cuts.inc({ reason }),
  })

  let url = ''
  const running = await startAll([
    { name: 'queues', start: async () => {}, stop: () => queues.close() },
    { name: 'vads', start: async () => {}, stop: () => vads.close() },
    watch,
    { name: 'utterances', ...utterances },
    pulse,
    gateway,
    {
      name: 'http',
      start: async () => void (url = await listen(http, config.host, config.port)),
      stop: async () => {},
    },
  ])
  return {
    url,
    stop(timeoutMs) {
      gateway.drain(timeoutMs / 2)
      return running.stop(timeoutMs)
    },
  }
}

const LOST: Pick<SettledOutcome, 'outcome' | 'error'> = {
  outcome: 'failed',
  error: { code: 'lost', message: ERROR_CODES.lost },
}

const settlePolicy = (config: Config) => ({
  dedupWindowMs: config.dedupWindowMs,
  sessionLifeMs: LIMITS.sessionLifeMs,
  recordLifeMs: LIMITS.settledRecordLifeMs,
  maxOutbox: LIMITS.maxOutbox,
})

const routePolicy = (config: Config) => ({
  affinityPenaltyMs: config.affinity.penaltyMs,
  affinityTtlMs: config.affinity.ttlMs,
  startDeadlineMs: config.startDeadlineMs,
  overallDeadlineMs: config.overallDeadlineMs,
  maxAttempts: LIMITS.maxAttempts,
  retryBackoffMs: LIMITS.retryBackoffMs,
  recordLifeMs: config.overallDeadlineMs + LIMITS.sessionLifeMs,
})
