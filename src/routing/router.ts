import type { Ended, Route, RoutingScripts } from '../../lua/routing.ts'
import type { CutReason } from '../protocol/events.ts'
import { sessionId } from '../protocol/ids.ts'
import type { UtteranceJob } from '../protocol/jobs.ts'
import { pairsFor } from './pairs.ts'

export type AffinityMode = 'continuation' | 'session' | 'off'

export interface Router {
  /** Ends the attempt named, if any, and begins the next one somewhere. */
  route(job: UtteranceJob, ended: Ended): Promise<Route>
}

/** Turns an utterance into the question that the route script answers. */
export function createRouter(deps: {
  readonly scripts: Pick<RoutingScripts, 'route'>
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
