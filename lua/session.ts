import type { GatewayId, SessionId } from '../src/protocol/ids.ts'
import type { Keys } from './keys.ts'
import { oneOf, reply, timeOf, type ScriptDeps } from './scripts.ts'

const SESSION_STATES = ['open', 'closing', 'closed'] as const

export type Resumed =
  | {
      readonly kind: 'resumed'
      readonly epoch: number
      readonly state: (typeof SESSION_STATES)[number]
      readonly request: string
      readonly lastIndex: number | undefined
      /** Why it was closed, or ''. */
      readonly reason: string
      /** How many indices are taken, as the control plane knows. */
      readonly taken: number
    }
  | { readonly kind: 'rejected' | 'unknown_session' }

export interface SessionScripts {
  startSession(start: {
    session: SessionId
    gateway: GatewayId
    tokenHash: string
    request: string
    subject: string
    lifeMs: number
    /** Most sessions that the subject may have; absent for any number. */
    mostOfSubject?: number | undefined
    /** Which life of Redis this is: in another one it may be older. */
    run?: string
  }): Promise<'started' | 'too_many_sessions'>
  resumeSession(resume: {
    session: SessionId
    gateway: GatewayId
    tokenHash: string
    nextTokenHash: string
    subject: string
    run?: string
    /** The last result that the client has. */
    lastSeq?: number
  }): Promise<Resumed>
  touchSession(touch: {
    session: SessionId
    epoch: number
    lifeMs: number
    isUsed: boolean
  }): Promise<Touched>
  closeSession(close: {
    session: SessionId
    epoch: number
    lastIndex: number | undefined
    state: 'closing' | 'closed'
    reason: string
    lifeMs: number
  }): Promise<'closing' | 'closed' | 'superseded' | 'unknown_session'>
  /** Takes a session that nobody has attended for `windowMs`; not closed, it is one again in `againMs`. */
  takeOrphan(take: { session: SessionId; windowMs: number; againMs: number }): Promise<Orphaned>
}

const TOUCHED = ['touched', 'closed', 'superseded', 'unknown_session'] as const
export type Touched = (typeof TOUCHED)[number]

const ORPHANED = ['taken', 'attended', 'unknown_session'] as const
export type Orphaned =
  | {
      readonly kind: 'taken'
      readonly epoch: number
      readonly request: string
      readonly taken: number
    }
  | { readonly kind: 'attended' | 'unknown_session' }

/** Sessions in the control plane: who holds a session, and under which epoch. */
export function createSessionScripts(deps: ScriptDeps<Keys>): SessionScripts {
  const { call, keys } = deps
  return {
    async startSession({ session, lifeMs, mostOfSubject, run = '', ...start }) {
      const { gateway, tokenHash, request, subject } = start
      const answer = await call(
        'startSession-5',
        [
          keys.session(session),
          keys.order(session),
          keys.sessions,
          keys.sessionsOf(subject),
          keys.clock,
        ],
        [
          ...[session, gateway, tokenHash, request, subject, lifeMs],
          ...[keys.prefix, mostOfSubject ?? '', run, timeOf(deps)],
        ],
      )
      return reply(answer, ['started', 'too_many_sessions'])[0]
    },
    async resumeSession({ session, run = '', lastSeq = 0, ...resume }) {
      const { tokenHash, nextTokenHash, gateway, subject } = resume
      const answer = await call(
        'resumeSession-6',
        [
          keys.session(session),
          keys.order(session),
          keys.sessions,
          keys.clock,
          keys.held(session),
          keys.outbox(session),
        ],
        [
          ...[keys.prefix, session, tokenHash, nextTokenHash, gateway, subject],
          ...[run, lastSeq, timeOf(deps)],
        ],
      )
      const [word, epoch, state = '', request = '', last, reason = '', taken] = reply(answer, [
        'resumed',
        'rejected',
        'unknown_session',
      ])
      if (word !== 'resumed') return { kind: word }
      return {
        kind: word,
        epoch: Number(epoch),
        state: oneOf(SESSION_STATES, state),
        request,
        lastIndex: last ? Number(last) : undefined,
        reason,
        taken: Number(taken),
      }
    },
    async touchSession({ session, epoch, lifeMs, isUsed }) {
      const answer = await call(
        'touchSession-8',
        [...keysOf(keys, session), keys.sessions, keys.clock],
        [session, epoch, lifeMs, isUsed ? 1 : 0, timeOf(deps)],
      )
      return reply(answer, TOUCHED)[0]
    },
    async closeSession({ session, epoch, lastIndex, state, reason, lifeMs }) {
      const answer = await call(
        'closeSession-7',
        [...keysOf(keys, session), keys.sessions],
        [session, epoch, lastIndex ?? '', state, reason, lifeMs],
      )
      return reply(answer, ['closing', 'closed', 'superseded', 'unknown_session'])[0]
    },
    async takeOrphan({ session, windowMs, againMs }) {
      const answer = await call(
        'takeOrphan-5',
        [keys.session(session), keys.sessions, keys.clock, keys.order(session), keys.held(session)],
        [keys.prefix, session, windowMs, againMs, timeOf(deps)],
      )
      const [word, epoch, request = '', taken] = reply(answer, ORPHANED)
      if (word !== 'taken') return { kind: word }
      return { kind: word, epoch: Number(epoch), request, taken: Number(taken) }
    },
  }
}

/** The keys that live as long as their session. */
const keysOf = (keys: Keys, session: SessionId) =>
  [
    keys.session(session),
    keys.order(session),
    keys.held(session),
    keys.outcomes(session),
    keys.outbox(session),
    keys.dedup(session),
  ] as const
