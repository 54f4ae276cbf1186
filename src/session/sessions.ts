import { randomBytes } from 'node:crypto'
import type { AudioScripts, SessionScripts } from '../../lua/session.ts'
import { LIMITS } from '../platform/limits.ts'
import { LinguaError } from '../protocol/codes.ts'
import type { ResumeRequest, StartRequest } from '../protocol/events.ts'
import { sessionId, type GatewayId, type SessionId } from '../protocol/ids.ts'
import type { UtteranceJob } from '../protocol/jobs.ts'
import { OpenUtterance, type OpenUtteranceDeps } from './open-utterance.ts'
import { DEFAULT_AUDIO, Session } from './session.ts'
import { hashToken, newToken } from './tokens.ts'

export interface SessionDeps extends OpenUtteranceDeps {
  readonly scripts: SessionScripts & AudioScripts
  readonly gateway: GatewayId
  /** Most sessions that one subject may have; undefined where there are no subjects. */
  readonly mostOfSubject?: number | undefined
  /** Adds the job of an utterance; adding it again is harmless. */
  readonly enqueue: (job: UtteranceJob) => Promise<void>
  /** Reads what a stored session asked for. */
  readonly parseRequest: (text: string) => StartRequest
}

export interface OpenSession {
  readonly session: Session
  readonly resumeToken: string
  readonly nextChunk: number
  /** Why the session had been closed before it was resumed: then only its results are left. */
  readonly closed: string | undefined
}

export interface Sessions {
  /** Throws `too_many_sessions`. */
  start(request: StartRequest, subject: string): Promise<OpenSession>
  /** Throws `session_not_found` or `resume_rejected`. */
  resume(request: ResumeRequest, subject: string): Promise<OpenSession>
}

/** Begins sessions and takes them over from other connections. */
export function createSessions(deps: SessionDeps): Sessions {
  const { scripts, gateway } = deps
  const openAudio = async (session: SessionId, epoch: number) => {
    const audio = await scripts.openAudio({ session, epoch, lifeMs: LIMITS.sessionLifeMs })
    if (audio.kind === 'superseded')
      throw new LinguaError('resume_rejected', 'the session was resumed on another connection')
    return audio
  }
  const openSession = async (id: SessionId, epoch: number, request: StartRequest) => {
    const audio = await openAudio(id, epoch)
    const format = request.audio ?? DEFAULT_AUDIO
    const open = await OpenUtterance.open(deps, { id, request, format, audio })
    const session = new Session(deps, { id, epoch, request, open, pending: audio.pending })
    return { session, nextChunk: audio.nextChunk }
  }
  return {
    async start(request, subject) {
      const id = sessionId(randomBytes(9).toString('base64url').replaceAll('_', '.'))
      const resumeToken = newToken()
      const word = await scripts.startSession({
        session: id,
        gateway,
        tokenHash: hashToken(resumeToken),
        request: JSON.stringify(request),
        subject,
        lifeMs: LIMITS.sessionLifeMs,
        mostOfSubject: deps.mostOfSubject,
      })
      if (word !== 'started')
        throw new LinguaError(word, undefined, { retryAfterMs: LIMITS.tooManyRetryMs })
      const opened = await openSession(id, 1, request)
      return { ...opened, resumeToken, closed: undefined }
    },
    async resume(request, subject) {
      const id = sessionId(request.sessionId)
      const resumeToken = newToken()
      const answer = await scripts.resumeSession({
        session: id,
        gateway,
        tokenHash: hashToken(request.token),
        nextTokenHash: hashToken(resumeToken),
        subject,
      })
      if (answer.kind !== 'resumed')
        throw new LinguaError(answer.kind === 'rejected' ? 'resume_rejected' : 'session_not_found')
      const opened = await openSession(id, answer.epoch, deps.parseRequest(answer.request))
      const closed = answer.state === 'closed' ? answer.reason : undefined
      return { ...opened, resumeToken, closed }
    },
  }
}
