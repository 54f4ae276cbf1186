/** The middle of several rounds and how far they lay apart. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** The value below which the share `q` (0 to 1) of the values lies, interpolated. NaN for none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const [low = NaN, high = low] = sorted.slice(Math.floor(at), Math.floor(at) + 2)
  return low + (high - low) * (at - Math.floor(at))
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** Median, least and greatest of the rounds. */
export const spreadOf = (rounds: readonly number[]): Spread => ({
  median: median(rounds),
  low: Math.min(...rounds),
  high: Math.max(...rounds),
})

export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
