import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ERROR_CODES, isErrorCode, LinguaError } from '../../src/protocol/codes.ts'
import { parseFailure } from '../../src/protocol/jobs.ts'

const CODES = Object.keys(ERROR_CODES).filter(isErrorCode)
const codes = fc.constantFrom(...CODES)

test.for(CODES)('%s has a sentence for people', (code) => {
  expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
  expect(ERROR_CODES[code]).toMatch(/^[A-Z].{15,}\.$/)
})

test.for(['', 'Bad_Request', 'toString', '__proto__', 'constructor', 'bad_request '])(
  '%j is no code',
  (text) => {
    expect(isErrorCode(text)).toBe(false)
  },
)

describe('an error', () => {
  test('says the sentence of its code unless it knows better', () => {
    expect(new LinguaError('no_node').message).toBe(ERROR_CODES.no_node)
    expect(new LinguaError('no_node', 'all are full').message).toBe('all are full')
  })

  test('keeps its cause to itself', () => {
    const error = new LinguaError('internal', undefined, { cause: new Error('secret') })
    expect(error.cause).toBeInstanceOf(Error)
    expect(JSON.stringify(error.toWire())).not.toContain('secret')
  })

  test('is on the wire what the protocol says, without empty fields', () => {
    expect(new LinguaError('cancelled').toWire()).toStrictEqual({
      code: 'cancelled',
      message: ERROR_CODES.cancelled,
    })
    const options = { retryAfterMs: 0, details: { expected: 3 } }
    expect(new LinguaError('chunk_gap', 'again', options).toWire()).toStrictEqual({
      code: 'chunk_gap',
      message: 'again',
      retryAfterMs: 0,
      details: { expected: 3 },
    })
  })
})

describe('the message of a failed child', () => {
  test('gives back the code and the text it was made of', () => {
    const property = fc.property(codes, fc.string({ minLength: 1 }), (code, text) => {
      expect(parseFailure(`${code}: ${text}`)).toEqual({ code, message: text })
    })
    fc.assert(property)
  })

  test.for([
    ['engine_busy', 'engine_busy', 'engine_busy'],
    ['engine_busy: ', 'engine_busy', 'engine_busy'],
    ['bad_audio: 3 of 4: gone', 'bad_audio', '3 of 4: gone'],
    ['bad_audio:gone', 'engine_error', 'bad_audio:gone'],
    ['TypeError: x is not a function', 'engine_error', 'TypeError: x is not a function'],
    ['toString: x', 'engine_error', 'toString: x'],
    ['', 'engine_error', ''],
  ] as const)('%j is %s', ([said, code, message]) => {
    expect(parseFailure(said)).toEqual({ code, message })
  })
})
