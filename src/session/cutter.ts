import type { CutReason } from '../protocol/events.ts'

export interface CutterOptions {
  readonly mode: 'gap' | 'manual'
  readonly pauseMs: number
  readonly maxDurationMs: number
  readonly bytesPerMs: number
}

/** The open utterance, as far as cutting goes. Instants in ms on one monotonic clock. */
export interface CutterState {
  readonly index: number
  readonly bytes: number
  /** When the last chunk of this utterance was stored; absent while it is empty. */
  readonly lastChunkAt: number | undefined
}

/** Cut the utterance `index` after byte `endByte` of it. */
export interface CutDecision {
  readonly index: number
  readonly endByte: number
  readonly reason: CutReason
}

export const emptyUtterance = (index: number): CutterState => ({
  index,
  bytes: 0,
  lastChunkAt: undefined,
})

/** A chunk of the open utterance was stored. */
export const afterChunk = (state: CutterState, bytes: number, at: number): CutterState => ({
  ...state,
  bytes: state.bytes + bytes,
  lastChunkAt: at,
})

/** The utterance was cut at `endByte`: what had arrived since opens the next one. */
export function afterCut(state: CutterState, index: number, endByte: number): CutterState {
  if (index !== state.index) return state
  const rest = Math.max(0, state.bytes - endByte)
  return rest > 0 ? { ...state, index: index + 1, bytes: rest } : emptyUtterance(index + 1)
}

/** Whether to cut now, and where. Silence is measured inside the open utterance only. */
export function decide(
  state: CutterState,
  options: CutterOptions,
  now: number,
): CutDecision | undefined {
  const longest = Math.floor(options.maxDurationMs * options.bytesPerMs)
  const most = longest - (longest % 2)
  if (state.bytes >= most) return { index: state.index, endByte: most, reason: 'max_duration' }
  const due = dueAt(state, options)
  if (due !== undefined && now >= due)
    return { index: state.index, endByte: state.bytes, reason: 'pause' }
  return undefined
}

/** The instant at which `decide` must be asked again if no chunk comes; undefined for never. */
export function dueAt(state: CutterState, options: CutterOptions): number | undefined {
  if (options.mode === 'manual' || state.lastChunkAt === undefined) return undefined
  return state.lastChunkAt + options.pauseMs
}
