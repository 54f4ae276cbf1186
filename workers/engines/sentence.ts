/**
 * Words as a person writes a sentence: tidy spaces, a capital at the start, a capital `I` alone, a
 * full stop where no other mark ends it. '' stays ''.
 */
export function asSentence(words: string): string {
  const text = words.replaceAll(/\s+/gu, ' ').trim()
  if (text === '') return ''
  const ended = /[.!?…:;][\p{Pe}\p{Pf}"']*$/u.test(text) ? text : `${text}.`
  return ended
    .replaceAll(/(?<![\p{L}\p{N}.])i(?=['\s,!?]|[.]?$)/gu, 'I')
    .replace(/^\p{Ll}/u, (letter) => letter.toUpperCase())
}
