export interface Chance {
  /** In [0, 1). */
  unit(): number
  exponential(mean: number): number
  /** One of 1..most, k with a weight of 1/k. */
  zipf(most: number): number
}

/** Chance that repeats: mulberry32 of a seed. */
export function chance(seed: number): Chance {
  let state = seed
  const unit = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    unit,
    exponential: (mean) => -Math.log(1 - unit()) * mean,
    zipf(most) {
      let total = 0
      for (let k = 1; k <= most; k += 1) total += 1 / k
      let left = unit() * total
      for (let k = 1; k < most; k += 1) if ((left -= 1 / k) < 0) return k
      return most
    },
  }
}
