import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attemptId, ID_PATTERN, jobId, parseAttemptId, sessionId } from '../../src/protocol/ids.ts'
import { ids } from './arbitraries.ts'

/** Sessions whose names look as much like the rest of an attempt id as the pattern allows. */
const awkward = fc
  .array(fc.constantFrom('u', '_', '.', '-', '0', '7', '12', 'A'), { minLength: 1, maxLength: 32 })
  .map((parts) => parts.join(''))
const sessions = fc.oneof(ids, awkward).map(sessionId)
const indices = fc.maxSafeNat()
const attempts = fc.integer({ min: 1 })

describe('the id of an attempt', () => {
  test('gives back the session, the index and the number it was made of', () => {
    const property = fc.property(sessions, indices, attempts, (session, index, n) => {
      const job = jobId(session, index)
      expect(parseAttemptId(attemptId(job, n))).toEqual({ session, index, job, n })
    })
    fc.assert(property, { numRuns: 1000 })
  })

  test('is that of one attempt only', () => {
    const made = fc.tuple(sessions, fc.nat(20), fc.integer({ min: 1, max: 20 }))
    const property = fc.property(made, made, ([s, i, n], [t, j, m]) => {
      const same = attemptId(jobId(s, i), n) === attemptId(jobId(t, j), m)
      expect(same).toBe(s === t && i === j && n === m)
    })
    fc.assert(property, { numRuns: 1000 })
  })

  test('is a job id that BullMQ takes: no colon, no integer', () => {
    const property = fc.property(sessions, indices, attempts, (session, index, n) => {
      const id = attemptId(jobId(session, index), n)
      expect(id).not.toContain(':')
      expect(Number.isNaN(Number(id))).toBe(true)
    })
    fc.assert(property)
  })

  test.for(['', 'u_', 'u_s_1', 'u_s.1', 's_1.1', 'u__1.1', 'u_s_1.', 'u_s_-1.1', 'u_s_1.1 '])(
    'is not read into %j',
    (id) => {
      expect(parseAttemptId(id)).toBeUndefined()
    },
  )
})

test.for(['', ' ', 'a:b', 'a/b', 'a b', 'é', 'a\n', '{a}', 'a'.repeat(65)])('%j is no id', (id) => {
  expect(ID_PATTERN.test(id)).toBe(false)
})
