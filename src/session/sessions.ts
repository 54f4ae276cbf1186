import { randomBytes } from 'node:crypto'
import type { AudioRestoreScripts, RestoreScripts } from '../../lua/restore.ts'
import type { AudioScripts, Cut, Opened } from '../../lua/audio.ts'
import type { SessionScripts, Touched } from '../../lua/session.ts'
import type { AudioStore } from '../platform/audio.ts'
import { LIMITS } from '../platform/limits.ts'
import { LinguaError } from '../protocol/codes.ts'
import type { ResumeRequest, StartRequest } from '../protocol/events.ts'
import { sessionId, type GatewayId, type SessionId } from '../protocol/ids.ts'
import type { UtteranceJob } from '../protocol/jobs.ts'
import { OpenUtterance, type OpenUtteranceDeps } from './open-utterance.ts'
import { unsettled } from './pending.ts'
import { DEFAULT_AUDIO, Session, type SessionOwner } from './session.ts'
import { hashToken, newToken } from './tokens.ts'

export interface SessionDeps extends OpenUtteranceDeps {
  readonly scripts: SessionScripts & AudioScripts & RestoreScripts & AudioRestoreScripts
  /** Names the life of the control plane: in another one it may be older. */
  readonly life: () => Promise<string>
  readonly audio: Pick<AudioStore, 'read' | 'forgetCut'>
  readonly gateway: GatewayId
  /** Most sessions that one subject may have; undefined where there are no subjects. */
  readonly mostOfSubject?: number | undefined
  /** Adds the job of an utterance; adding it again is harmless. */
  readonly enqueue: (job: UtteranceJob) => Promise<void>
  /** Which of these indices have their outcome. */
  readonly settled: (session: SessionId, indices: readonly number[]) => Promise<ReadonlySet<number>>
  /** Settles an utterance that is known no more: it was cut, and Redis came back older. */
  readonly settleLost: (session: SessionId, index: number, startMs: number) => Promise<void>
  /** Reads what a stored session asked for. */
  readonly parseRequest: (text: string) => StartRequest
}

export interface OpenSession {
  readonly session: Session
  readonly resumeToken: string
  readonly nextChunk: number
  /** Why the session had been closed before it was resumed: then only its results are left. */
  readonly closed: string | undefined
  /** Chunks that nobody holds any more. */
  readonly lost: Hole | undefined
}

export interface Hole {
  readonly from: number
  readonly to: number
}

export interface Sessions {
  /** Throws `too_many_sessions`. */
  start(request: StartRequest, subject: string): Promise<OpenSession>
  /** Throws `session_not_found` or `resume_rejected`. */
  resume(request: ResumeRequest, subject: string): Promise<OpenSession>
  /** Says that a session is alive, and whether its client has used this connection; mends it. */
  touch(session: Session, isUsed: boolean): Promise<Touched>
  /** Tells a Redis that came back older what this process knows; false if another connection has it. */
  restore(session: Session): Promise<boolean>
}

/** Begins sessions, takes them over from other connections, and keeps them alive. */
export function createSessions(deps: SessionDeps): Sessions {
  const { scripts, gateway } = deps
  return {
    async start(request, subject) {
      const id = sessionId(randomBytes(9).toString('base64url').replaceAll('_', '.'))
      const resumeToken = newToken()
      const owner = { subject, tokenHash: hashToken(resumeToken) }
      const word = await scripts.startSession({
        ...{ session: id, gateway, ...owner },
        request: JSON.stringify(request),
        lifeMs: LIMITS.sessionLifeMs,
        mostOfSubject: deps.mostOfSubject,
        run: await deps.life(),
      })
      if (word !== 'started')
        throw new LinguaError(word, undefined, { retryAfterMs: LIMITS.tooManyRetryMs })
      const opened = await openSession(deps, { id, epoch: 1, request, owner, taken: 0 })
      return { ...opened, resumeToken, closed: undefined }
    },
    async resume(request, subject) {
      const id = sessionId(request.sessionId)
      const resumeToken = newToken()
      const owner = { subject, tokenHash: hashToken(resumeToken) }
      const answer = await scripts.resumeSession({
        ...{ session: id, gateway, subject, lastSeq: request.lastSeq },
        tokenHash: hashToken(request.token),
        nextTokenHash: owner.tokenHash,
        run: await deps.life(),
      })
      if (answer.kind !== 'resumed')
        throw new LinguaError(answer.kind === 'rejected' ? 'resume_rejected' : 'session_not_found')
      const { epoch, taken } = answer
      const given = { id, epoch, taken, owner, request: deps.parseRequest(answer.request) }
      const opened = await openSession(deps, given, request)
      const closed = answer.state === 'closed' ? answer.reason : undefined
      return { ...opened, resumeToken, closed }
    },
    async touch(session, isUsed) {
      const { id, epoch } = session
      const lifeMs = LIMITS.sessionLifeMs
      const word = await scripts.touchSession({ session: id, epoch, lifeMs, isUsed })
      if (word !== 'touched') return word
      const audio = await scripts.openAudio({ session: id, epoch, lifeMs, hold: true })
      if (audio.kind === 'older') return 'unknown_session'
      if (audio.kind === 'opened') await session.cuts.mend(audio.pending)
      return word
    },
    async restore({ id, epoch, owner, request, cuts }) {
      const lifeMs = LIMITS.sessionLifeMs
      const known = { session: id, epoch, lifeMs }
      const words = await Promise.all([
        scripts.restoreAudio({ ...known, cuts: cuts.made }),
        scripts.restoreSession({ ...known, ...owner, gateway, request: JSON.stringify(request) }),
      ])
      return words.every((word) => word === 'restored')
    },
  }
}

/** A session as the control plane gave it to this process. */
export interface Taken {
  readonly id: SessionId
  readonly epoch: number
  readonly request: StartRequest
  readonly owner: SessionOwner
  /** How many indices are taken, as the control plane knows. */
  readonly taken: number
}

type Stored = Extract<Opened, { kind: 'opened' }>
type Open = Omit<OpenSession, 'resumeToken' | 'closed'> & {
  /** Whether utterances are still to have their outcomes. */
  readonly owes: boolean
}

/**
 * Takes the audio over too, with all that is open and pending in it. Where a plane came back older, the
 * other one and the client say what is gone: indices that neither have are settled as lost.
 */
export async function openSession(
  deps: SessionDeps,
  taken: Taken,
  client: Pick<ResumeRequest, 'lastIndex' | 'firstChunk'> = { lastIndex: -1, firstChunk: 0 },
): Promise<Open> {
  const { id, epoch } = taken
  const audio = await deps.scripts.openAudio({
    ...{ session: id, epoch, lifeMs: LIMITS.sessionLifeMs, taken: taken.taken },
    ...{ heard: client.lastIndex + 1, firstChunk: client.firstChunk },
  })
  if (audio.kind !== 'opened')
    throw new LinguaError('resume_rejected', 'the session was resumed on another connection')
  const { nextChunk, missing, index } = audio
  const unqueued = await unsettled(deps, id, audio.pending)
  const session = await listenTo(deps, taken, { audio, unqueued })
  try {
    await session.cuts.repair()
    const lost = await deps.scripts.findLost({ session: id, index })
    for (const each of lost) await deps.settleLost(id, each, session.cuts.startMsOf(audio.base))
    return {
      ...{ session, nextChunk, owes: unqueued.length + lost.length > 0 },
      lost: missing < nextChunk ? { from: missing, to: nextChunk - 1 } : undefined,
    }
  } catch (error) {
    session.end()
    throw error
  }
}

async function listenTo(
  deps: SessionDeps,
  { id, epoch, request, owner }: Taken,
  { audio, unqueued }: { audio: Stored; unqueued: readonly Cut[] },
): Promise<Session> {
  const format = request.audio ?? DEFAULT_AUDIO
  const open = await OpenUtterance.open(deps, { id, request, format, audio })
  const { pending } = audio
  return new Session(deps, { id, epoch, request, open, pending, unqueued, owner })
}
