import fc from 'fast-check'

const PIECES = [
  ...['[', ']', '{', '}', '^', '$', '/', '\\', '@', '<', '>', '*', '#', '~', '+', '_'],
  ...['[]', '.[]', '[#1]', '[[t:b:x]]', '[/]', '^a/b<n>$', '\\^', '<STREAMCMD:FLUSH>', '&amp;'],
  ...['\0', '\n', '\r\n', '\t', ' ', '\u2028', '\uFFFF', '\uFFFE', '\uD800', '\u200B', '\u202E'],
  ...['é', 'e\u0301', '漢字', '🎉', '\u{10FFFF}', 'ß', '.', '!', '?', '"', "don't ", 'the dog '],
]

/** Text that somebody might say, and text that nobody would. */
export const nasty = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
)
