import { pairName } from '../../lua/fleet.ts'
import type { Ended, Route, RoutingScripts } from '../../lua/routing.ts'
import type { CutReason } from '../protocol/events.ts'
import { sessionId } from '../protocol/ids.ts'
import type { UtteranceJob } from '../protocol/jobs.ts'

export type AffinityMode = 'continuation' | 'session' | 'off'

export interface Router {
  /** Ends the attempt named, if any, and begins the next one somewhere. */
  route(job: UtteranceJob, ended: Ended): Promise<Route>
}

/** Turns an utterance into the question that the route script answers. */
export function createRouter(deps: {
  readonly scripts: RoutingScripts
  readonly affinity: AffinityMode
}): Router {
  return {
    route: (job, ended) =>
      deps.scripts.route({
        session: sessionId(job.sessionId),
        index: job.index,
        ended,
        pairs: pairsFor(job),
        home: homeIntent(job.reason, deps.affinity),
      }),
  }
}

/** Every direction that the node must be able to go: one, or one for each candidate of `auto`. */
export function pairsFor(
  job: Pick<UtteranceJob, 'source' | 'candidates' | 'target' | 'speech'>,
): readonly string[] {
  const sources = job.source === 'auto' ? (job.candidates ?? []) : [job.source]
  return sources
    .filter((source) => source !== job.target)
    .map((source) => pairName(source, job.target, job.speech))
}

/** Home is bound while speech goes on past the cut, and cleared when the speaker stopped. */
function homeIntent(reason: CutReason, mode: AffinityMode): 'bind' | 'clear' {
  switch (mode) {
    case 'off':
      return 'clear'
    case 'session':
      return 'bind'
    case 'continuation':
      return reason === 'timeout' || reason === 'max_duration' ? 'bind' : 'clear'
  }
}
