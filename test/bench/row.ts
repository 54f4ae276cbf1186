import type { Spread } from './statistics.ts'
import type { Stage } from './stage.ts'

/** What a figure is judged by: a ratio to its floor, or a plain number where no floor makes sense. */
export interface Figure {
  readonly id: string
  readonly what: string
  /** What the floor is, and its value; a dash where there is none. */
  readonly floor: string
  /** The value of LinguaMQ. */
  readonly system: string
  readonly score: Spread
  /** Behind the score: `x` for a ratio. */
  readonly unit: string
  /** Which way is good. Without `must` the figure is only reported. */
  readonly better: 'less' | 'more'
  readonly must?: number
  readonly aim?: number
  /** What a reader needs to know to read the figure right. */
  readonly notes: readonly string[]
}

/** How something grows, for the chart. */
export interface Curve {
  readonly id: string
  readonly title: string
  /** What is on the horizontal axis. */
  readonly of: string
  readonly unit: string
  readonly points: readonly { readonly x: number; readonly y: Spread }[]
}

export interface Measured {
  readonly figures: readonly Figure[]
  readonly curves?: readonly Curve[]
}

export interface Context {
  /** More rounds and longer ones. */
  readonly full: boolean
  /** A private Redis with nothing on it; everything started on it ends with the row. */
  readonly stage: Stage
  /** One line for whoever waits. */
  readonly tell: (line: string) => void
}

/** One measurement: several figures may come of the same runs. */
export interface Row {
  readonly name: string
  /** Whether the quick run has it too. */
  readonly quick: boolean
  measure(context: Context): Promise<Measured>
}

export type Verdict = 'aim' | 'must' | 'missed' | 'report'

/** How a figure stands to its bounds. */
export function verdictOf({ score, better, must, aim }: Omit<Figure, 'id'>): Verdict {
  const meets = (bound: number): boolean =>
    better === 'less' ? score.median <= bound : score.median >= bound
  if (must !== undefined && !meets(must)) return 'missed'
  if (aim !== undefined && meets(aim)) return 'aim'
  return must === undefined ? 'report' : 'must'
}
