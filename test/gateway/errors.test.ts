import { expect, test } from 'vitest'
import { toWireError } from '../../src/gateway/errors.ts'
import { ERROR_CODES, LinguaError } from '../../src/protocol/codes.ts'

test('an error of ours is told as it is', () => {
  const error = new LinguaError('chunk_gap', 'again', { details: { expected: 3 } })
  expect(toWireError(error)).toEqual({
    code: 'chunk_gap',
    message: 'again',
    details: { expected: 3 },
  })
})

test('a Redis that is away is told as such, and when to try again', () => {
  expect(toWireError(new Error('Connection is closed.'))).toEqual({
    code: 'dependency_down',
    message: ERROR_CODES.dependency_down,
    retryAfterMs: 500,
  })
})

test.for([
  new TypeError("Cannot read properties of undefined (reading 'secret')"),
  new Error('ERR user_script:12: redis://:hunter2@redis'),
  'a text',
  undefined,
  null,
  { code: 'unauthorized', message: 'not ours' },
])('anything else is nobody else’s business: %s', (error) => {
  expect(toWireError(error)).toEqual({ code: 'internal', message: ERROR_CODES.internal })
})
