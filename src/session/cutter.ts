import type { CutReason } from '../protocol/events.ts'
import {
  addFrames,
  beginOf,
  bestEnd,
  endingOf,
  spokenIn,
  type Frame,
  type Heard,
  type Rules,
  type Spoken,
} from './endpointing.ts'

/** In `vad` mode speech that goes on while no chunk comes for this long is cut, ms. */
const STALL_MS = 3000

/**
 * The open utterance, as far as cutting goes. Places are bytes of the session, instants ms on one
 * monotonic clock. `base` to `stored` is in the audio plane, `base` to `heard` was judged: that comes
 * later where a detector answers later.
 */
export interface CutterState extends Heard {
  readonly index: number
  readonly stored: number
  readonly heard: number
  /** When the last chunk of this utterance was stored; absent while it is empty. */
  readonly lastChunkAt: number | undefined
  /** Until then something is played to the speaker, and neither a pause nor a stall ends an utterance. */
  readonly playingUntil: number | undefined
  /** Too much is unfinished: nothing is cut until there is room for one more utterance. */
  readonly isCrowded: boolean
}

/**
 * Cut the utterance `index` after byte `endByte` of its segment; its audio begins at byte `begin` of the
 * session, and by byte `enough` of the session it is an utterance: cut before, there would be nothing.
 */
export interface CutDecision {
  readonly kind: 'cut'
  readonly index: number
  readonly endByte: number
  readonly reason: CutReason
  readonly begin: number
  readonly enough: number
}

/** Drop what lies before byte `before` of the session: silence, by rule. */
export interface DropDecision {
  readonly kind: 'drop'
  readonly before: number
}

export type Decision = CutDecision | DropDecision

/** An utterance that begins at byte `base` of the session; nothing of it has come. */
export const emptyUtterance = (index: number, base = 0): CutterState => ({
  index,
  base,
  stored: base,
  heard: base,
  moments: [],
  lastChunkAt: undefined,
  playingUntil: undefined,
  isCrowded: false,
})

/** A chunk of the open utterance was stored. */
export const afterChunk = (state: CutterState, bytes: number, at: number): CutterState => ({
  ...state,
  stored: state.stored + bytes,
  lastChunkAt: at,
})

/** What is stored was judged a bit further. */
export function afterFrames(
  state: CutterState,
  rules: Rules,
  frames: readonly Frame[],
): CutterState {
  const moments = addFrames(state, rules, { heard: state.heard, frames })
  const bytes = frames.reduce((sum, frame) => sum + frame.bytes, 0)
  return { ...state, moments, heard: state.heard + bytes }
}

/** Something is played to the speaker until then at the latest, or no longer. */
export const afterPlayback = (state: CutterState, until: number | undefined): CutterState => ({
  ...state,
  playingUntil: until,
})

/** So much is unfinished that nothing may be cut, or no longer. */
export const afterCrowding = (state: CutterState, isCrowded: boolean): CutterState => ({
  ...state,
  isCrowded,
})

/** The utterance was cut and ended at byte `end` of the session: what came since opens the next one. */
export function afterCut(state: CutterState, index: number, end: number): CutterState {
  if (index < state.index) return state
  return { ...beginAt(state, end), index: index + 1 }
}

/** What lay before that byte of the session was dropped. */
export const afterDrop = (state: CutterState, before: number): CutterState =>
  before > state.base ? beginAt(state, before) : state

function beginAt(state: CutterState, base: number): CutterState {
  const stored = Math.max(state.stored, base)
  return {
    ...state,
    base,
    stored,
    moments: state.moments.filter(({ end }) => end > base),
    lastChunkAt: stored > base ? state.lastChunkAt : undefined,
  }
}

/** What to do now, and where. Each decision is about the open utterance only. */
export function decide(state: CutterState, rules: Rules, now: number): Decision | undefined {
  const decision = judge(state, rules, now)
  return state.isCrowded && decision?.kind === 'cut' ? undefined : decision
}

function judge(state: CutterState, rules: Rules, now: number): Decision | undefined {
  if (rules.mode !== 'vad') return decideByLength(state, rules, now)
  const ending = endingOf(state, rules, !isPlaying(state, now))
  switch (ending.kind) {
    case 'silence':
      return state.heard - state.base >= rules.idle
        ? { kind: 'drop', before: state.heard - rules.preRoll }
        : undefined
    case 'noise':
      return { kind: 'drop', before: ending.before }
    case 'pause':
      return cutSpeech(state, rules, { ...ending, reason: 'pause' })
    case 'full':
      return cutSpeech(state, rules, { ...ending, reason: 'max_duration' })
    case 'open':
      if (now < stalledAt(state, now)) return undefined
      if (ending.spoken.enough === Infinity) return { kind: 'drop', before: state.heard }
      return cutSpeech(state, rules, { ...ending, at: state.stored, reason: 'timeout' })
  }
}

/** The instant at which `decide` must be asked again if nothing comes; undefined for never. */
export function dueAt(state: CutterState, rules: Rules, now: number): number | undefined {
  if (decide(state, rules, now)) return now
  if (state.isCrowded) return undefined
  switch (rules.mode) {
    case 'manual':
      return undefined
    case 'gap':
      return pausedAt(state, rules)
    case 'vad':
      return endingOf(state, rules, false).kind === 'open' ? stalledAt(state, now) : undefined
  }
}

/** Whether the open utterance has all the audio that one may have. */
export const isFull = ({ base, stored }: CutterState, { longest }: Rules): boolean =>
  stored - base >= longest

/**
 * Where the speech of the open utterance begins and from where it is enough for one (Infinity if it is
 * not), in bytes of the session: whatever cuts it, in `vad` mode there is no utterance without speech.
 */
export function speechOf(
  state: CutterState,
  rules: Rules,
): { readonly begin: number; readonly enough: number } {
  if (rules.mode !== 'vad') return { begin: 0, enough: 0 }
  const spoken = spokenIn(state, rules)
  if (!spoken) return { begin: state.base, enough: Infinity }
  return { begin: beginOf(state, rules, spoken), enough: spoken.enough }
}

function decideByLength(state: CutterState, rules: Rules, now: number): Decision | undefined {
  const { index, base, stored } = state
  const limit = base + rules.longest
  const cut = (end: number, reason: CutReason): CutDecision => ({
    kind: 'cut',
    index,
    endByte: end - base,
    reason,
    begin: 0,
    enough: 0,
  })
  if (stored >= limit) return cut(bestEnd(state, rules, { limit, enough: base }), 'max_duration')
  return now >= (pausedAt(state, rules) ?? Infinity) ? cut(stored, 'pause') : undefined
}

function cutSpeech(
  state: CutterState,
  rules: Rules,
  { spoken, at, reason }: { spoken: Spoken; at: number; reason: CutReason },
): CutDecision {
  return {
    kind: 'cut',
    index: state.index,
    endByte: at - state.base,
    reason,
    begin: beginOf(state, rules, spoken),
    enough: spoken.enough,
  }
}

const isPlaying = ({ playingUntil }: CutterState, now: number): boolean =>
  playingUntil !== undefined && now < playingUntil

/** When no chunk is a pause, in `gap` mode. */
const pausedAt = (state: CutterState, { mode, pauseMs }: Rules): number | undefined =>
  mode === 'gap' && state.lastChunkAt !== undefined
    ? Math.max(state.lastChunkAt + pauseMs, state.playingUntil ?? 0)
    : undefined

/** When speech that goes on has stalled; while something is played, when that ends. */
const stalledAt = (state: CutterState, now: number): number =>
  isPlaying(state, now) ? (state.playingUntil ?? now) : (state.lastChunkAt ?? now) + STALL_MS
