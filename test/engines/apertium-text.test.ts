import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pipelineScript } from '../../workers/engines/apertium-modes.ts'
import { END, frameRequest, parseAnswer } from '../../workers/engines/apertium-text.ts'
import { nasty } from './nasty.ts'

const tidy = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\p{Cs}^\uFFFD\uFFFF]/gu, ' ')
    .replaceAll(/\s+/gu, ' ')
    .trim()

test('what a pipeline passes on unchanged comes back as it was, but for spaces, controls and carets', () => {
  fc.assert(
    fc.property(nasty, fc.nat(), (text, id) => {
      const request = frameRequest(id, text)
      expect(parseAnswer(request.slice(0, -END.length))).toEqual({ id, text: tidy(text) })
    }),
  )
})

test('a request ends once, at its end, and nothing in its text has a meaning of its own', () => {
  fc.assert(
    fc.property(nasty, (text) => {
      const request = frameRequest(7, text)
      expect(request.indexOf(END)).toBe(request.length - END.length)
      const meant = request.slice(0, -`[#7]${END}`.length).replaceAll(/\\./gsu, '')
      expect(meant).not.toMatch(/[[\]{}^$/\\@<>]/)
    }),
  )
})

test.each(['', 'hola', 'hola[#]', 'hola[#1] ', '[#x]'])('%j is no answer', (answer) => {
  expect(parseAnswer(answer)).toBeUndefined()
})

test('every stage of a mode flushes at the end of a request, and unknown words carry no mark', () => {
  const script = pipelineScript(
    "lt-proc 'a.bin' | apertium-tagger -g $2 'p' | lt-proc $1 'g.bin'\n",
  )
  expect(script).toContain(
    "lt-proc -z 'a.bin' <&3 3<&- 4>&- | apertium-tagger -z -g  'p' 3<&- 4>&- | lt-proc -z -n 'g.bin' >&4 3<&- 4>&- &",
  )
})
