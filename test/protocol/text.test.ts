import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseFailure } from '../../src/protocol/jobs.ts'
import { clip, MOST_MESSAGE } from '../../src/protocol/text.ts'

const lengthOf = (text: string): number => Array.from(text).length
const isWhole = (text: string): boolean => !/\p{Surrogate}/u.test(text)

test.for([
  ['', 3, ''],
  ['añb', 3, 'añb'],
  ['añbc', 3, 'añ…'],
  ['🎉🎉🎉', 3, '🎉🎉🎉'],
  ['🎉🎉🎉🎉', 3, '🎉🎉…'],
  ['a🎉🎉🎉', 3, 'a🎉…'],
] as const)('%j clipped to %d characters is %j', ([text, most, clipped]) => {
  expect(clip(text, most)).toBe(clipped)
})

test('a clipped text is a beginning of the whole, no longer than asked and never half a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 20 }), (text, most) => {
      const clipped = clip(text, most)
      expect(lengthOf(clipped)).toBeLessThanOrEqual(most)
      expect(isWhole(clipped)).toBe(true)
      const isCut = lengthOf(text) > most
      expect(text.startsWith(isCut ? clipped.slice(0, -1) : clipped)).toBe(true)
      expect(clipped.length < text.length || clipped === text || isCut).toBe(true)
    }),
  )
})

test('what a failed child says is bounded, whoever wrote its node', () => {
  const { code, message } = parseFailure(`bad_audio: ${'🎉'.repeat(100_000)}`)
  expect(code).toBe('bad_audio')
  expect(lengthOf(message)).toBe(MOST_MESSAGE)
  expect(isWhole(message)).toBe(true)
  expect(lengthOf(parseFailure('x'.repeat(100_000)).message)).toBe(MOST_MESSAGE)
})
