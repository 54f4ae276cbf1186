import { CUT_REASONS, type CutReason } from '../src/protocol/events.ts'
import type { SessionId } from '../src/protocol/ids.ts'
import type { AudioKeys } from './keys.ts'
import { oneOf, reply, type ScriptDeps } from './scripts.ts'

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
  /** The chunk in which the next utterance begins. */
  readonly next: number
}

export type Opened =
  | {
      readonly kind: 'opened'
      readonly nextChunk: number
      readonly index: number
      readonly base: number
      readonly openBytes: number
      /** The first chunk that nobody holds any more, as far as `nextChunk`. */
      readonly missing: number
      readonly pending: readonly Cut[]
    }
  | { readonly kind: 'superseded' | 'older' }

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
  | { readonly kind: 'empty' | 'superseded' | 'older' | 'unknown_session' }

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
  /** Takes the audio under this epoch; with `hold`, only if it has been taken so. */
  openAudio(open: {
    session: SessionId
    epoch: number
    lifeMs: number
    hold?: true
    /** How many indices are taken, as the control plane knows and as the client has heard. */
    taken?: number
    heard?: number
    /** The oldest chunk that the client still holds. */
    firstChunk?: number
  }): Promise<Opened>
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
    /** How many indices are taken, as the connection knows. */
    taken?: number
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
    async openAudio({ session, epoch, lifeMs, hold, taken = 0, heard = 0, firstChunk = 0 }) {
      const answer = await call(
        'openAudio-1',
        [keys.audio(session)],
        [epoch, lifeMs, hold ? 'hold' : 'take', taken, heard, firstChunk],
      )
      const [word, ...rest] = reply(answer, ['opened', 'superseded', 'older'])
      if (word !== 'opened') return { kind: word }
      const [next, index, base, openBytes, missing, ...cuts] = rest
      const pending: Cut[] = []
      for (let i = 0; i < cuts.length; i += 2)
        pending.push(parseCut(Number(cuts[i]), cuts[i + 1] ?? ''))
      return {
        kind: word,
        nextChunk: Number(next),
        index: Number(index),
        base: Number(base),
        openBytes: Number(openBytes),
        missing: Number(missing),
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
    async cutAudio({ session, epoch, reason, at, lifeMs, ...known }) {
      const { begin = 0, enough = 0, taken = 0 } = known
      const point = 'index' in at ? [at.index, at.endByte ?? ''] : ['', at.through]
      const answer = await call(
        'cutAudio-1',
        [keys.audio(session)],
        [
          ...[epoch, reason, ...point, lifeMs],
          ...[begin, Math.min(enough, Number.MAX_SAFE_INTEGER), taken],
        ],
      )
      const [word, first, ...rest] = reply(answer, [
        'cut',
        'repeat',
        'gap',
        'empty',
        'superseded',
        'older',
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
  const [reason, base, bytes, continues, from, next] = text.split(' ')
  return {
    index,
    reason: oneOf(CUT_REASONS, reason),
    base: Number(base),
    bytes: Number(bytes),
    from: Number(from),
    continues: continues === '1',
    next: Number(next),
  }
}
