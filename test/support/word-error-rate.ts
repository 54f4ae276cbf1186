const wordsOf = (text: string): readonly string[] =>
  text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []

/** Words to change, add or leave out to make `heard` into `said`; case and punctuation do not count. */
export function countWordErrors(said: string, heard: string): { errors: number; words: number } {
  const reference = wordsOf(said)
  let row = [0, ...reference.map((_, n) => n + 1)]
  for (const [i, word] of wordsOf(heard).entries()) {
    const next = [i + 1]
    for (const [j, expected] of reference.entries()) {
      const changed = (row[j] ?? 0) + (word === expected ? 0 : 1)
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return { errors: row.at(-1) ?? 0, words: reference.length }
}

/** Errors of all pairs together over all words that were said. */
export function wordErrorRate(
  pairs: readonly { readonly said: string; readonly heard: string }[],
): number {
  const counts = pairs.map(({ said, heard }) => countWordErrors(said, heard))
  const sum = (of: 'errors' | 'words'): number =>
    counts.reduce((total, each) => total + each[of], 0)
  return sum('errors') / sum('words')
}
