import { DelayedError, WaitingChildrenError, type Job } from 'bullmq'
import { childKey, nodeQueue, type AudioKeys, type Keys } from '../../lua/keys.ts'
import type { Ended, Entry, Excluded, Route, RoutingScripts } from '../../lua/routing.ts'
import type { Completion } from '../completion/completion.ts'
import { audioMsOf, failed, type SettledOutcome } from '../completion/outcome.ts'
import type { AudioStore } from '../platform/audio.ts'
import { LIMITS } from '../platform/limits.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Queues } from '../platform/queues.ts'
import { isErrorCode } from '../protocol/codes.ts'
import { attemptId, jobId, sessionId } from '../protocol/ids.ts'
import { parseFailure, TRANSLATE, type ChildJob, type UtteranceJob } from '../protocol/jobs.ts'
import { childResult } from '../protocol/schemas.ts'
import type { Router } from '../routing/router.ts'
import type { Severing } from '../routing/sever.ts'
import { fromResult } from './outcomes.ts'

export interface ProcessorDeps {
  readonly keys: Keys
  readonly audioKeys: AudioKeys
  readonly queues: Queues
  readonly scripts: Pick<RoutingScripts, 'confirmAttempt' | 'readEntry'>
  readonly router: Router
  readonly severing: Severing
  readonly completion: Completion
  readonly audio: AudioStore
  readonly startDeadlineMs: number
  readonly log: Log
  readonly metrics: Pick<Metrics, 'routes' | 'dispatchSeconds'>
}

type Parent = Job<UtteranceJob>

const FIRST_ENTRY: Entry = { n: 0, at: undefined, child: { kind: 'none' }, strays: [] }

/** What to do with the parent after one look at it. */
type Step =
  | { readonly kind: 'again' }
  | { readonly kind: 'wait_for_child' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'end'; readonly attempt: number | undefined; readonly outcome: SettledOutcome }
  | { readonly kind: 'done'; readonly why: string }

/**
 * The processor of `utterances`. A parent is entered when it is added, whenever its child ended or was
 * cut loose, and after a scheduler died with it in hand. On every entry:
 *
 *   (a) anything but the current attempt hanging on it?   sever
 *   (b) a valid result of the current attempt?            settle, complete
 *   (c) its child at work: wait; none: route, add the next child
 *   (d) moveToWaitingChildren: true, the parent waits without lock or slot; false, look again
 *
 * It never returns without an outcome, so failover is this re-entry and nothing else.
 */
export function createProcessor(deps: ProcessorDeps) {
  return async (job: Parent, token = ''): Promise<{ end: string; attempt?: number }> => {
    let entry = job.attemptsStarted > 1 ? await look(deps, job) : FIRST_ENTRY
    for (;;) {
      const step = await advance(deps, job, entry)
      switch (step.kind) {
        case 'end': {
          const word = await settle(deps, job, step)
          if (word === 'unknown_session') await awaitSession(job, token)
          if (word !== 'superseded') return finish(deps, job, step)
          break
        }
        case 'done':
          if (step.why === 'unknown_session') await awaitSession(job, token)
          await tidy(deps, job)
          return { end: step.why }
        case 'delay':
          await job.moveToDelayed(Date.now() + step.ms, token)
          throw new DelayedError()
        case 'wait_for_child':
          if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError()
          break
        case 'again':
          break
      }
      entry = await look(deps, job)
    }
  }
}

const SESSION_MS = 1000
const SESSION_LOOKS = 30

/** Redis may have come back without a session that is about to be written again: looks for it a while. */
async function awaitSession(job: Parent, token: string): Promise<void> {
  if (job.attemptsStarted > SESSION_LOOKS) return
  await job.moveToDelayed(Date.now() + SESSION_MS, token)
  throw new DelayedError()
}

const look = ({ scripts }: ProcessorDeps, { data }: Parent): Promise<Entry> =>
  scripts.readEntry({ session: sessionId(data.sessionId), index: data.index })

async function advance(deps: ProcessorDeps, job: Parent, entry: Entry): Promise<Step> {
  const { child, n } = entry
  const node = entry.at?.node ?? ''
  for (const stray of entry.strays) await deps.severing.child(jobOf(job), stray)
  if (child.kind === 'returned') {
    const result = childResult.safeParse(child.value)
    if (result.success)
      return { kind: 'end', attempt: n, outcome: fromResult(job.data, node, result.data) }
  }
  switch (child.kind) {
    case 'pending':
      return { kind: 'wait_for_child' }
    case 'returned':
      return dispatch(deps, job, { n, code: 'engine_error' })
    case 'failed': {
      const { code, message } = parseFailure(child.message)
      return code === 'bad_audio' || code === 'lost'
        ? { kind: 'end', attempt: n, outcome: failed(job.data, code, message) }
        : dispatch(deps, job, { n, code })
    }
    case 'none':
      return dispatch(deps, job, { n, code: undefined })
  }
}

async function dispatch(deps: ProcessorDeps, job: Parent, ended: Ended): Promise<Step> {
  const timed = deps.metrics.dispatchSeconds.startTimer()
  const route = await deps.router.route(job.data, ended)
  const decision = route.kind === 'node' ? route.decision : ''
  deps.metrics.routes.inc({ kind: route.kind, decision })
  const end = (outcome: SettledOutcome): Step => ({ kind: 'end', attempt: undefined, outcome })
  switch (route.kind) {
    case 'node': {
      const step = await place(deps, job, route)
      timed()
      return step
    }
    case 'wait':
      return { kind: 'delay', ms: route.waitMs }
    case 'no_node':
      return route.sinceMs < deps.startDeadlineMs
        ? { kind: 'delay', ms: deps.startDeadlineMs - route.sinceMs }
        : end(noNode(job.data, route.excluded))
    case 'exhausted':
      return end(exhausted(job.data, route.code))
    case 'deadline':
      return end(failed(job.data, 'deadline'))
    case 'superseded':
      return { kind: 'again' }
    case 'settled':
    case 'unknown_session':
      return { kind: 'done', why: route.kind }
  }
}

/** Adds the child, then asks whether it may stay: a fence either is seen here or sees the child. */
async function place(
  deps: ProcessorDeps,
  job: Parent,
  { n, node, incarnation }: Extract<Route, { kind: 'node' }>,
): Promise<Step> {
  const { sessionId: session, index } = job.data
  const queue = nodeQueue(node, incarnation)
  const child = attemptId(jobOf(job), n)
  await deps.queues.node(queue).add(TRANSLATE, childOf(deps, job.data, n), {
    jobId: child,
    parent: { id: jobOf(job), queue: job.queueQualifiedName },
    ignoreDependencyOnFailure: true,
  })
  const word = await deps.scripts.confirmAttempt({
    session: sessionId(session),
    index,
    n,
    node,
    incarnation,
  })
  if (word === 'confirmed') return { kind: 'wait_for_child' }
  await deps.severing.child(jobOf(job), childKey(deps.keys.prefix, queue, child))
  return { kind: 'again' }
}

function childOf({ audioKeys }: ProcessorDeps, job: UtteranceJob, attempt: number): ChildJob {
  const { speech, startMs: _, ...spoken } = job
  const key = audioKeys.speech(sessionId(job.sessionId), job.index, attempt)
  return {
    ...spoken,
    attempt,
    ...(speech && { speech: { key, ttlMs: LIMITS.outboxTtlMs } }),
    budgetMs: LIMITS.budgetMs + 2 * audioMsOf(job),
  }
}

const settle = ({ completion }: ProcessorDeps, job: Parent, end: Extract<Step, { kind: 'end' }>) =>
  completion.settle({
    session: sessionId(job.data.sessionId),
    index: job.data.index,
    attempt: end.attempt,
    outcome: end.outcome,
  })

/** Tells the utterance's story in one line. */
async function finish(deps: ProcessorDeps, job: Parent, end: Extract<Step, { kind: 'end' }>) {
  const { data } = job
  const { outcome, error, node, audioMs, timings } = end.outcome
  await tidy(deps, job)
  deps.log.info(
    {
      session: data.sessionId,
      utterance: job.id,
      pair: `${data.source}>${data.target}`,
      reason: data.reason,
      outcome,
      ...(error && { code: error.code }),
      ...(node && { node }),
      attempt: end.attempt,
      entries: job.attemptsStarted,
      audioMs,
      ...timings,
    },
    'utterance ended',
  )
  return { end: outcome, ...(end.attempt !== undefined && { attempt: end.attempt }) }
}

/** The utterance's audio is of no use any more. */
const tidy = ({ audio }: ProcessorDeps, { data }: Parent): Promise<void> =>
  audio.forgetCut(sessionId(data.sessionId), data.index)

const jobOf = (job: Parent) => jobId(sessionId(job.data.sessionId), job.data.index)

function noNode(job: UtteranceJob, excluded: Excluded): SettledOutcome {
  const { full, unable } = excluded
  const message =
    full + unable === 0
      ? 'no node that serves this pair is ready'
      : `of the nodes that serve this pair ${full} are full and ${unable} unable`
  return { ...failed(job, 'no_node'), error: { code: 'no_node', message, details: { excluded } } }
}

function exhausted(job: UtteranceJob, code: string): SettledOutcome {
  const last = isErrorCode(code) ? code : 'engine_error'
  return last === 'node_lost'
    ? failed(job, 'node_lost')
    : failed(job, 'attempts_exhausted', `every attempt failed, the last with ${last}`)
}
