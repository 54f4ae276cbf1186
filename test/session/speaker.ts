import assert from 'node:assert/strict'
import type { CutReason } from '../../src/protocol/events.ts'
import {
  afterChunk,
  afterCut,
  afterDrop,
  afterFrames,
  decide,
  dueAt,
  emptyUtterance,
  speechOf,
  type CutterState,
  type Decision,
} from '../../src/session/cutter.ts'
import { rulesOf, type Rules } from '../../src/session/endpointing.ts'

export const SETTINGS = { pauseMs: 500, maxDurationMs: 12_000, sampleRate: 16_000 } as const
export const GAP = rulesOf({ ...SETTINGS, mode: 'gap' })
export const MANUAL = rulesOf({ ...SETTINGS, mode: 'manual' })
export const VAD = rulesOf({ ...SETTINGS, mode: 'vad' })

/** One for every 20 ms at 16 kHz: speech or not. */
export type Frames = readonly boolean[]

const FRAME_MS = 20
const FRAME = 640
export const ms = (duration: number): number => duration * 32

const framesOf = (speech: boolean) => (duration: number) =>
  Array.from({ length: Math.max(1, Math.round(duration / FRAME_MS)) }, () => speech)
export const said = framesOf(true)
export const silent = framesOf(false)
export const bytesOf = (frames: Frames): number => frames.length * FRAME

/** What there is to hear between two bytes. */
export function hearing(frames: Frames, from: number, to: number) {
  const there = { speech: 0, longest: 0, first: to, last: from }
  let run = 0
  for (let frame = Math.floor(from / FRAME); frame * FRAME < to; frame += 1) {
    const start = Math.max(from, frame * FRAME)
    const end = Math.min(to, (frame + 1) * FRAME)
    run = frames[frame] ? run + end - start : 0
    if (!frames[frame]) continue
    there.speech += end - start
    there.longest = Math.max(there.longest, run)
    there.first = Math.min(there.first, start)
    there.last = end
  }
  return there
}

export interface Utterance {
  readonly begin: number
  readonly end: number
  readonly reason: CutReason
  /** How many chunks had come since its segment began, as far as bytes of them are in it. */
  readonly chunks: number
}

/**
 * A session in small: the cutter, a detector that is always right, and what the audio plane would keep,
 * on a clock that goes with the audio.
 */
export class Speaker {
  readonly utterances: Utterance[] = []
  /** Bytes before which nothing is kept. */
  readonly drops: number[] = []
  readonly rules: Rules
  state = emptyUtterance(0)
  now = 0
  #judged = 0
  #chunkEnds: number[] = []

  constructor(rules: Rules) {
    this.rules = rules
  }

  get bytes(): number {
    return this.state.stored
  }

  /** Sends frames in chunks of so many samples, over and over. */
  say(frames: Frames, chunks: readonly number[]): void {
    const total = this.bytes + bytesOf(frames)
    const all = [...Array.from({ length: this.#judged / FRAME }, () => false), ...frames]
    for (let i = 0; this.bytes < total; i += 1) {
      const bytes = Math.min(total - this.bytes, (chunks[i % chunks.length] ?? 0) * 2)
      this.now += bytes / 32
      this.state = afterChunk(this.state, bytes, this.now)
      this.#chunkEnds.push(this.bytes)
      this.#judge(all)
      this.act()
    }
  }

  /** Time passes without a chunk. */
  wait(duration: number): void {
    this.now += duration
    this.act()
  }

  act(): void {
    for (let decision = this.#ask(); decision; decision = this.#ask()) this.#carryOut(decision)
  }

  /** What the plane does for a commit: it cuts if there is enough. */
  commit(reason: CutReason = 'manual', end = this.bytes): boolean {
    const { begin, enough } = speechOf(this.state, this.rules)
    const { base, index } = this.state
    if (end < Math.max(base + 1, enough)) return false
    this.#carryOut({ kind: 'cut', index, endByte: end - base, reason, begin, enough })
    return true
  }

  #ask(): Decision | undefined {
    const decision = decide(this.state, this.rules, this.now)
    assert.equal(dueAt(this.state, this.rules, this.now) === this.now, decision !== undefined)
    return decision
  }

  #judge(frames: Frames): void {
    const judged: { bytes: number; speech: boolean; level: number }[] = []
    for (; this.#judged + FRAME <= this.bytes; this.#judged += FRAME) {
      const speech = frames[this.#judged / FRAME] ?? false
      judged.push({ bytes: FRAME, speech, level: speech ? 1000 : 1 })
    }
    this.state = afterFrames(this.state, this.rules, judged)
  }

  #carryOut(decision: Decision): void {
    const { base, stored } = this.state
    if (decision.kind === 'drop') {
      assert.ok(decision.before > base && decision.before <= stored)
      this.drops.push(decision.before)
      this.state = afterDrop(this.state, decision.before)
      return
    }
    const end = base + decision.endByte
    const begin = Math.max(base, decision.begin)
    assert.equal(decision.index, this.utterances.length)
    assert.ok(end > base && end <= stored && end >= decision.enough && end % 2 === 0)
    this.#chunkEnds = this.#chunkEnds.filter((chunkEnd) => chunkEnd > begin)
    const chunks = this.#chunkEnds.length
    this.utterances.push({ begin, end, reason: decision.reason, chunks })
    this.state = afterCut(this.state, decision.index, end)
  }
}

/** An open utterance of which these chunks came. */
export const chunks = (
  state: CutterState,
  ...arrived: readonly (readonly [bytes: number, at: number])[]
): CutterState => arrived.reduce((was, [bytes, at]) => afterChunk(was, bytes, at), state)

export const speaking = (index: number, bytes: number, at: number): CutterState =>
  chunks(emptyUtterance(index), [bytes, at])

/** An utterance of which levels were heard, 20 ms each: all speech, or only so many of the first. */
export function heard(rules: Rules, levels: readonly number[], spoken = Infinity): CutterState {
  const frames = levels.map((level, i) => ({ bytes: FRAME, speech: i < spoken, level }))
  return afterFrames(speaking(0, levels.length * FRAME, 0), rules, frames)
}

export const levelsFor = (duration: number, level = 1000): number[] =>
  Array.from({ length: duration / FRAME_MS }, () => level)
