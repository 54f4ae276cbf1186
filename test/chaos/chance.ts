/** Chance that a seed repeats. Parts of a run each take a `fork`, so that their draws never mix. */
export interface Chance {
  /** A number in [0, 1). */
  next(): number
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number
  /** True in this share of cases. */
  isWithin(share: number): boolean
  /** One of them; throws if there is none. */
  pick<T>(of: readonly T[]): T
  shuffle<T>(of: readonly T[]): readonly T[]
  fork(name: string): Chance
}

/** Mulberry32: 32 bits of state, good enough to spread faults. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (least: number, most: number): number =>
    least + Math.floor(next() * (most - least + 1))
  return {
    next,
    between,
    isWithin: (share) => next() < share,
    pick(of) {
      const picked = of[between(0, of.length - 1)]
      if (picked === undefined) throw new Error('there is nothing to pick from')
      return picked
    },
    shuffle: (of) =>
      of
        .map((each) => ({ each, rank: next() }))
        .toSorted((a, b) => a.rank - b.rank)
        .map(({ each }) => each),
    fork: (name) => createChance(seed ^ hashOf(name)),
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (const letter of Buffer.from(text)) hash = Math.imul(hash ^ letter, 0x01000193)
  return hash >>> 0
}
