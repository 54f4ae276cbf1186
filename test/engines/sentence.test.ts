import { expect, test } from 'vitest'
import { asSentence } from '../../workers/engines/sentence.ts'

test.each([
  ['he was not an ill disposed young man', 'He was not an ill disposed young man.'],
  ['  two \n words\t', 'Two words.'],
  ["i know i'm late am i", "I know I'm late am I."],
  ['what is it?', 'What is it?'],
  ['he said "go!"', 'He said "go!"'],
  ['árbol', 'Árbol.'],
  ['wi-fi i.e. ai', 'Wi-fi i.e. ai.'],
  ['Already one.', 'Already one.'],
  ['', ''],
  [' \n ', ''],
])('%j is written as %j', (words, sentence) => {
  expect(asSentence(words)).toBe(sentence)
})

test('a sentence is left as it is', () => {
  const once = asSentence('please hold while i try that extension')
  expect(asSentence(once)).toBe(once)
})
