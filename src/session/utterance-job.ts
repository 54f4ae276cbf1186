import type { Cut } from '../../lua/audio.ts'
import type { AudioFormat, StartRequest } from '../protocol/events.ts'
import type { SessionId } from '../protocol/ids.ts'
import type { UtteranceJob } from '../protocol/jobs.ts'

/** The job of a cut: its audio by the key of its segment and the range in it. */
export function utteranceJob(
  session: { readonly id: SessionId; readonly request: StartRequest; readonly format: AudioFormat },
  { index, reason, from, bytes }: Cut,
  { key, startMs }: { readonly key: string; readonly startMs: number },
): UtteranceJob {
  const { source, candidates, target, speech = false } = session.request
  return {
    ...{ v: 1, sessionId: session.id, index, source },
    ...(candidates && { candidates }),
    ...{ target, reason, speech },
    audio: { key, from, bytes, ...session.format },
    startMs,
  }
}
