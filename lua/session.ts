import { CUT_REASONS, type CutReason } from '../src/protocol/events.ts'
import type { GatewayId, SessionId } from '../src/protocol/ids.ts'
import type { AudioKeys, Keys } from './keys.ts'
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
  }): Promise<'started' | 'too_many_sessions'>
  resumeSession(resume: {
    session: SessionId
    gateway: GatewayId
    tokenHash: string
    nextTokenHash: string
    subject: string
  }): Promise<Resumed>
  touchSession(touch: {
    session: SessionId
    epoch: number
    lifeMs: number
    isUsed: boolean
  }): Promise<'touched' | 'superseded' | 'unknown_session'>
  closeSession(close: {
    session: SessionId
    epoch: number
    lastIndex: number | undefined
    state: 'closing' | 'closed'
    reason: string
  }): Promise<'closing' | 'closed' | 'superseded' | 'unknown_session'>
}

/** Sessions in the control plane: who holds a session, and under which epoch. */
export function createSessionScripts(deps: ScriptDeps<Keys>): SessionScripts {
  const { call, keys } = deps
  return {
    async startSession({ session, gateway, tokenHash, request, subject, lifeMs, mostOfSubject }) {
      const answer = await call(
        'startSession-4',
        [keys.session(session), keys.order(session), keys.sessions, keys.sessionsOf(subject)],
        [
          ...[session, gateway, tokenHash, request, subject, lifeMs],
          ...[keys.prefix, mostOfSubject ?? '', timeOf(deps)],
        ],
      )
      return reply(answer, ['started', 'too_many_sessions'])[0]
    },
    async resumeSession({ session, gateway, tokenHash, nextTokenHash, subject }) {
      const answer = await call(
        'resumeSession-3',
        [keys.session(session), keys.order(session), keys.sessions],
        [keys.prefix, session, tokenHash, nextTokenHash, gateway, subject, timeOf(deps)],
      )
      const [word, epoch, state = '', request = '', last, reason = ''] = reply(answer, [
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
      }
    },
    async touchSession({ session, epoch, lifeMs, isUsed }) {
      const answer = await call(
        'touchSession-7',
        [
          keys.session(session),
          keys.order(session),
          keys.held(session),
          keys.outcomes(session),
          keys.outbox(session),
          keys.dedup(session),
          keys.sessions,
        ],
        [session, epoch, lifeMs, isUsed ? 1 : 0, timeOf(deps)],
      )
      return reply(answer, ['touched', 'superseded', 'unknown_session'])[0]
    },
    async closeSession({ session, epoch, lastIndex, state, reason }) {
      const answer = await call(
        'closeSession-3',
        [keys.session(session), keys.order(session), keys.sessions],
        [session, epoch, lastIndex ?? '', state, reason],
      )
      return reply(answer, ['closing', 'closed', 'superseded', 'unknown_session'])[0]
    },
  }
}

/** A cut whose outcome is not settled yet, as the audio plane keeps it. */
export interface Cut {
  readonly index: number
  readonly reason: CutReason
  /** Bytes of the session before the utterance. */
  readonly base: number
  readonly bytes: number
  /** Byte of the segment where it begins: what lies before is silence that was left out. */
  readonly from: number
  /** The utterance's speech goes on from the one before, which max_duration had cut. */
  readonly continues: boolean
}

export type Opened =
  | {
      readonly kind: 'opened'
      readonly nextChunk: number
      readonly index: number
      readonly base: number
      readonly openBytes: number
      readonly pending: readonly Cut[]
    }
  | { readonly kind: 'superseded' }

export type Appended =
  | {
      readonly kind: 'stored'
      readonly nextChunk: number
      /** Bytes in the open segment. */
      readonly openBytes: number
    }
  | { readonly kind: 'gap'; readonly expected: number }
  | { readonly kind: 'superseded' | 'unknown_session' }

export type CutAnswer =
  | { readonly kind: 'cut'; readonly cut: Cut }
  /** With the cut while it is pending: whoever lost the first answer has it here. */
  | { readonly kind: 'repeat'; readonly index: number; readonly cut: Cut | undefined }
  | { readonly kind: 'gap'; readonly expected: number }
  | { readonly kind: 'empty' | 'superseded' | 'unknown_session' }

/** Where to cut: the segment expected to be open, at a byte or behind all there is; or after a chunk. */
export type CutPoint =
  | { readonly index: number; readonly endByte: number | undefined }
  | { readonly through: number }

export type Dropped =
  | {
      readonly kind: 'dropped'
      /** Bytes of the session before the open segment. */
      readonly base: number
    }
  | { readonly kind: 'superseded' | 'unknown_session' }

export interface AudioScripts {
  openAudio(open: { session: SessionId; epoch: number; lifeMs: number }): Promise<Opened>
  appendAudio(append: {
    session: SessionId
    epoch: number
    chunk: number
    bytes: Buffer
    lifeMs: number
  }): Promise<Appended>
  cutAudio(cut: {
    session: SessionId
    epoch: number
    reason: CutReason
    at: CutPoint
    /** Byte of the session where the utterance begins: silence before it is left out. */
    begin?: number
    /** Byte of the session from where on it is one: a cut before it is empty. */
    enough?: number
    lifeMs: number
  }): Promise<CutAnswer>
  /** Drops what lies before a byte of the session from the open segment: silence, by rule. */
  dropAudio(drop: {
    session: SessionId
    epoch: number
    before: number
    lifeMs: number
  }): Promise<Dropped>
}

/** The audio plane: chunks in, cuts out, each fenced by the connection's epoch. */
export function createAudioScripts({ call, keys }: ScriptDeps<AudioKeys>): AudioScripts {
  return {
    async openAudio({ session, epoch, lifeMs }) {
      const answer = await call('openAudio-1', [keys.audio(session)], [epoch, lifeMs])
      const [word, next, index, base, openBytes, ...cuts] = reply(answer, ['opened', 'superseded'])
      if (word === 'superseded') return { kind: word }
      const pending: Cut[] = []
      for (let i = 0; i < cuts.length; i += 2)
        pending.push(parseCut(Number(cuts[i]), cuts[i + 1] ?? ''))
      return {
        kind: word,
        nextChunk: Number(next),
        index: Number(index),
        base: Number(base),
        openBytes: Number(openBytes),
        pending: pending.toSorted((a, b) => a.index - b.index),
      }
    },
    async appendAudio({ session, epoch, chunk, bytes, lifeMs }) {
      const answer = await call(
        'appendAudio-1',
        [keys.audio(session)],
        [epoch, chunk, bytes, lifeMs],
      )
      if (Array.isArray(answer))
        return { kind: 'stored', nextChunk: Number(answer[0]), openBytes: Number(answer[1]) }
      const code = Number(answer)
      if (code <= -10) return { kind: 'gap', expected: -10 - code }
      return { kind: code === -1 ? 'superseded' : 'unknown_session' }
    },
    async cutAudio({ session, epoch, reason, at, begin = 0, enough = 0, lifeMs }) {
      const point = 'index' in at ? [at.index, at.endByte ?? ''] : ['', at.through]
      const answer = await call(
        'cutAudio-1',
        [keys.audio(session)],
        [epoch, reason, ...point, lifeMs, begin, Math.min(enough, Number.MAX_SAFE_INTEGER)],
      )
      const [word, first, ...rest] = reply(answer, [
        'cut',
        'repeat',
        'gap',
        'empty',
        'superseded',
        'unknown_session',
      ])
      const index = Number(first)
      if (word === 'cut') return { kind: word, cut: parseCut(index, `${reason} ${rest.join(' ')}`) }
      if (word === 'repeat')
        return { kind: word, index, cut: rest[0] ? parseCut(index, rest[0]) : undefined }
      if (word === 'gap') return { kind: word, expected: index }
      return { kind: word }
    },
    async dropAudio({ session, epoch, before, lifeMs }) {
      const answer = await call('dropAudio-1', [keys.audio(session)], [epoch, before, lifeMs])
      const [word, base] = reply(answer, ['dropped', 'superseded', 'unknown_session'])
      return word === 'dropped' ? { kind: word, base: Number(base) } : { kind: word }
    },
  }
}

function parseCut(index: number, text: string): Cut {
  const [reason, base, bytes, continues, from] = text.split(' ')
  return {
    index,
    reason: oneOf(CUT_REASONS, reason),
    base: Number(base),
    bytes: Number(bytes),
    from: Number(from),
    continues: continues === '1',
  }
}
