import { BYTES_PER_SAMPLE, type EndpointingMode } from '../protocol/events.ts'

/** Kept before the first speech of an utterance, ms: a voice begins before a detector hears it. */
const PRE_ROLL_MS = 200
/** Less speech than this between two pauses is noise, ms. */
const MIN_SPEECH_MS = 150
/** Where an utterance that grew too long may be cut: in its last second, ms. */
const SEARCH_MS = 1000
/** Frames of one kind are put together up to this, ms. */
const MOMENT_MS = 100
/** Silence that is dropped is dropped in no smaller pieces, ms: each costs a script. */
const DROP_STEP_MS = 500
/** How much quieter than the last second a moment is that deserves the cut: by 6 dB. */
const QUIETER = 4

export interface Endpointing {
  readonly mode: EndpointingMode
  readonly pauseMs: number
  readonly maxDurationMs: number
  readonly sampleRate: number
}

/** What endpointing goes by: lengths in bytes, whole samples. */
export interface Rules {
  readonly mode: EndpointingMode
  readonly pauseMs: number
  readonly pause: number
  readonly preRoll: number
  readonly minSpeech: number
  readonly longest: number
  readonly search: number
  readonly moment: number
  readonly idle: number
}

/** The rules of a session. Only `vad` knows silence: to the other modes all audio is speech. */
export function rulesOf({ mode, pauseMs, maxDurationMs, sampleRate }: Endpointing): Rules {
  const bytes = (ms: number): number => Math.floor((sampleRate * ms) / 1000) * BYTES_PER_SAMPLE
  return {
    mode,
    pauseMs,
    pause: bytes(pauseMs),
    preRoll: mode === 'vad' ? bytes(PRE_ROLL_MS) : 0,
    minSpeech: mode === 'vad' ? bytes(MIN_SPEECH_MS) : 0,
    longest: bytes(maxDurationMs),
    search: bytes(Math.min(SEARCH_MS, maxDurationMs / 2)),
    moment: bytes(MOMENT_MS),
    idle: bytes(PRE_ROLL_MS + Math.max(pauseMs, DROP_STEP_MS)),
  }
}

/** A piece of audio that was judged. `level` is its mean square: good for comparing only. */
export interface Frame {
  readonly bytes: number
  readonly speech: boolean
  readonly level: number
}

/** Frames of one kind, one after the other, up to byte `end` of the session. */
export interface Moment extends Frame {
  readonly end: number
}

/** The open utterance as it was heard: it begins at byte `base` of the session. */
export interface Heard {
  readonly base: number
  readonly moments: readonly Moment[]
}

/** Speech of the open utterance, in bytes of the session. */
export interface Spoken {
  readonly first: number
  /** Where the first run of it ends. */
  readonly firstEnd: number
  readonly last: number
  readonly bytes: number
  /** From here on it is enough for an utterance; Infinity if it is not yet. */
  readonly enough: number
}

/** How an utterance stands: where it ends or, if it does not, what was heard of it. */
export type Ending =
  | { readonly kind: 'silence' }
  | { readonly kind: 'noise'; readonly before: number }
  | { readonly kind: 'open'; readonly spoken: Spoken }
  | { readonly kind: 'pause' | 'full'; readonly spoken: Spoken; readonly at: number }

const startOf = ({ base }: Heard, { end, bytes }: Moment): number => Math.max(base, end - bytes)

/** Where an utterance begins: at its speech, or as much before it as is kept. */
export const beginOf = ({ base }: Heard, rules: Rules, { first }: Spoken): number =>
  Math.max(base, first - rules.preRoll)

/** Puts frames behind moments; `heard` is the byte of the session where the first of them begins. */
export function addFrames(
  { base, moments }: Heard,
  rules: Rules,
  { heard, frames }: { readonly heard: number; readonly frames: readonly Frame[] },
): readonly Moment[] {
  // Where all is speech, only loudness counts, and only where the longest utterance may be cut.
  const from = rules.mode === 'vad' ? base : base + rules.longest - rules.search
  const all = [...moments]
  let end = heard
  for (const frame of frames) {
    end += frame.bytes
    const last = all.at(-1)
    if (end <= from) continue
    if (last?.speech === frame.speech && last.bytes + frame.bytes <= rules.moment)
      all[all.length - 1] = { ...together(last, frame), end }
    else all.push({ ...frame, end })
  }
  return all
}

function together(a: Frame, b: Frame): Frame {
  const bytes = a.bytes + b.bytes
  const level = (a.level * a.bytes + b.level * b.bytes) / bytes
  return { bytes, speech: a.speech, level }
}

/** All speech of the open utterance, whatever pauses are in it; undefined if there is none. */
export function spokenIn(heard: Heard, rules: Rules): Spoken | undefined {
  const tally = emptyTally()
  for (const moment of heard.moments)
    if (moment.speech) count(tally, rules, { start: startOf(heard, moment), end: moment.end })
  return tally.bytes > 0 ? tally : undefined
}

/** Counted up in place, since it is counted anew at every chunk. */
type Tally = { -readonly [Key in keyof Spoken]: Spoken[Key] }

const emptyTally = (): Tally => ({ first: 0, firstEnd: 0, last: 0, bytes: 0, enough: Infinity })

function count(
  tally: Tally,
  { minSpeech }: Rules,
  { start, end }: { readonly start: number; readonly end: number },
): void {
  if (tally.bytes === 0) tally.first = tally.firstEnd = start
  if (tally.firstEnd === start) tally.firstEnd = end
  tally.last = end
  tally.bytes += end - start
  if (tally.enough === Infinity && tally.bytes >= minSpeech)
    tally.enough = end - (tally.bytes - minSpeech)
}

/**
 * Where the open utterance ends by what was heard, in the order it was said: at its first pause, or where
 * it grew too long. Too little speech before a pause is noise. With `pauses` false they count for nothing.
 */
export function endingOf(heard: Heard, rules: Rules, pauses: boolean): Ending {
  const spoken = emptyTally()
  for (const moment of heard.moments) {
    const { end } = moment
    if (moment.speech) count(spoken, rules, { start: startOf(heard, moment), end })
    if (spoken.bytes === 0) continue
    const limit = beginOf(heard, rules, spoken) + rules.longest
    const pauseEnd = spoken.last + rules.pause
    if (pauseEnd <= Math.min(end, limit)) {
      if (spoken.enough === Infinity)
        return { kind: 'noise', before: Math.max(spoken.last, pauseEnd - rules.preRoll) }
      if (pauses) return { kind: 'pause', spoken, at: spoken.last + keptOfPause(rules) }
    }
    if (end < limit) continue
    if (spoken.enough > limit) return { kind: 'noise', before: spoken.firstEnd }
    return { kind: 'full', spoken, at: bestEnd(heard, rules, { limit, enough: spoken.enough }) }
  }
  return spoken.bytes > 0 ? { kind: 'open', spoken } : { kind: 'silence' }
}

/** Of the silence that makes a pause the end is left to what follows, as the pre-roll of its speech. */
const keptOfPause = ({ pause, preRoll }: Rules): number =>
  pause - Math.min(preRoll, wholeSamples(pause / 2))

const wholeSamples = (bytes: number): number =>
  Math.floor(bytes / BYTES_PER_SAMPLE) * BYTES_PER_SAMPLE

/**
 * Where to cut an utterance that reached `limit`: in the middle of the quietest moment of the last second
 * if one is clearly quieter than the rest. Speech behind the cut is none or enough for an utterance of its
 * own, so that the end of a sentence is never taken for noise.
 */
export function bestEnd(
  heard: Heard,
  rules: Rules,
  { limit, enough }: { readonly limit: number; readonly enough: number },
): number {
  const from = limit - rules.search
  let behind = 0
  let loudness = 0
  let latest = rules.minSpeech === 0 ? limit : undefined
  let quietest: { readonly at: number; readonly level: number } | undefined
  for (const moment of heard.moments.toReversed()) {
    const end = Math.min(moment.end, limit)
    const start = Math.max(startOf(heard, moment), from)
    if (start >= end) continue
    const middle = wholeSamples((start + end) / 2)
    const behindMiddle = behind + (moment.speech ? end - middle : 0)
    const fits = behindMiddle === 0 || behindMiddle >= rules.minSpeech
    if (fits && middle > enough && moment.level < (quietest?.level ?? Infinity))
      quietest = { at: middle, level: moment.level }
    if (!moment.speech && behind === 0) latest ??= end
    if (moment.speech) behind += end - start
    if (behind >= rules.minSpeech) latest ??= start + behind - rules.minSpeech
    loudness += moment.level * (end - start)
  }
  const mean = loudness / rules.search
  if (quietest && quietest.level * QUIETER < mean) return quietest.at
  return Math.max(latest ?? limit, Math.min(enough, limit))
}
