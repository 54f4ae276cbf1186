import { spreadOf, type Spread } from './statistics.ts'

/** The two sides of a comparison. */
export interface Sides<T> {
  readonly floor: T
  readonly system: T
}

/**
 * Measures all sides in turns, so that all meet the same machine. The first round warms up and does
 * not count.
 */
export async function inTurns<Name extends string, Side, T>(
  sides: Readonly<Record<Name, Side>>,
  { rounds, tell }: { readonly rounds: number; readonly tell: (line: string) => void },
  measure: (side: Side) => Promise<T>,
): Promise<Record<Name, T[]>> {
  const measured = mapOf(sides, (): T[] => [])
  for (let round = 0; round <= rounds; round++) {
    tell(round === 0 ? 'warming up' : `round ${round} of ${rounds}`)
    for (const name in sides) {
      const value = await measure(sides[name])
      if (round > 0) measured[name].push(value)
    }
  }
  return measured
}

/** One figure of what was measured on each side. */
export const each = <Name extends string, T>(
  measured: Readonly<Record<Name, readonly T[]>>,
  of: (value: T) => number,
): Record<Name, number[]> => mapOf(measured, (values: readonly T[]) => values.map(of))

function mapOf<Name extends string, A, B>(all: Readonly<Record<Name, A>>, to: (value: A) => B) {
  const entries = Object.entries<A>(all).map(([name, value]) => [name, to(value)])
  return Object.fromEntries(entries) as Record<Name, B>
}

/** The ratio of the system to its floor, round by round. */
export const ratioOf = ({ floor, system }: Sides<readonly number[]>): Spread =>
  spreadOf(system.map((value, i) => value / (floor[i] ?? NaN)))
