import { spreadOf, type Spread } from './statistics.ts'

/** The two sides of a comparison. */
export interface Sides<T> {
  readonly floor: T
  readonly system: T
}

/**
 * Measures both sides in turns, so that both meet the same machine. The first round warms up and does
 * not count.
 */
export async function inTurns<Side, T>(
  sides: Sides<Side>,
  { rounds, tell }: { readonly rounds: number; readonly tell: (line: string) => void },
  measure: (side: Side) => Promise<T>,
): Promise<Sides<T[]>> {
  const measured: Sides<T[]> = { floor: [], system: [] }
  for (let round = 0; round <= rounds; round++) {
    tell(round === 0 ? 'warming up' : `round ${round} of ${rounds}`)
    for (const name of ['floor', 'system'] as const) {
      const value = await measure(sides[name])
      if (round > 0) measured[name].push(value)
    }
  }
  return measured
}

/** One figure of what was measured on both sides. */
export const each = <T>({ floor, system }: Sides<readonly T[]>, of: (value: T) => number) => ({
  floor: floor.map(of),
  system: system.map(of),
})

/** The ratio of the system to its floor, round by round. */
export const ratioOf = ({ floor, system }: Sides<readonly number[]>): Spread =>
  spreadOf(system.map((value, i) => value / (floor[i] ?? NaN)))
