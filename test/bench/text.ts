import { verdictOf, type Figure, type Verdict } from './row.ts'

/** A score or a bound as people read it: three digits that mean something. */
function scoreText(value: number, unit: string): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  const text = Number.isInteger(value) ? String(value) : value.toFixed(digits)
  return unit === 'x' || unit === '%' ? `${text}${unit}` : `${text} ${unit}`.trim()
}

/** The score with the least and the greatest of the rounds, where there were several. */
export function spreadText({ score: { median, low, high }, unit }: Figure): string {
  const text = scoreText(median, unit)
  if (low === high) return text
  return `${text} (${scoreText(low, '')}-${scoreText(high, '')})`
}

/** A bound of a figure with its direction, or nothing. */
export function boundText({ better, unit }: Figure, bound: number | undefined): string {
  if (bound === undefined) return ''
  return `${better === 'less' ? '<=' : '>='} ${scoreText(bound, unit)}`
}

const WORDS: Readonly<Record<Verdict, string>> = {
  aim: 'aim met',
  must: 'must met',
  missed: 'MISSED',
  report: '',
}

export const verdictText = (figure: Figure): string => WORDS[verdictOf(figure)]
