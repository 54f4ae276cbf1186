/** The first `most` characters of a text: whole code points, never half of one. */
export function clip(text: string, most: number): string {
  // No character takes more than two of the units that a string is cut by; one more tells that there are more.
  const points = Array.from(text.slice(0, 2 * most + 2))
  return points.length <= most ? points.join('') : `${points.slice(0, most - 1).join('')}…`
}

/** Nobody says more in one utterance: minutes of fast speech, in units of a string. */
export const MOST_TEXT = 20_000

/** Longest message of an error that is told to others, in characters. */
export const MOST_MESSAGE = 300
