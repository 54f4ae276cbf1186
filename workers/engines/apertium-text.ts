/** What Apertium's stream format gives a meaning to. */
const RESERVED = /[[\]{}$/\\@<>]/g
/**
 * What no stage may see: control characters (NUL ends a request), the one its reader takes for the end
 * of the input, a caret, after which even when escaped `lrx-proc` loses the rest of the request, and what
 * has no UTF-8 or stands for such, so that it in an answer is none of ours.
 */
const FORBIDDEN = /[\p{Cc}\p{Cs}^\uFFFD\uFFFF]/gu
const ESCAPED = /\\(.)/gsu
const ANSWER = /^(.*)\[#(\d+)\]$/su

/** Ends each request to a pipeline and each answer. */
export const END = '\0'

/** One request as a pipeline reads it. Its number goes along as a blank, which all stages pass on. */
export const frameRequest = (id: number, text: string): string =>
  `${text.replaceAll(FORBIDDEN, ' ').replaceAll(RESERVED, String.raw`\$&`)}[#${id}]${END}`

/** One answer without its end; undefined if it is none, and so the pipeline out of step. */
export function parseAnswer(answer: string): { id: number; text: string } | undefined {
  const parts = ANSWER.exec(answer)
  if (!parts) return undefined
  const [, text = '', id] = parts
  return { id: Number(id), text: text.replaceAll(ESCAPED, '$1').replaceAll(/\s+/gu, ' ').trim() }
}
