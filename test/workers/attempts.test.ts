import { onTestFinished, describe, expect, test } from 'vitest'
import { LinguaError } from '../../src/protocol/codes.ts'
import type { ChildJob } from '../../src/protocol/jobs.ts'
import { Attempts } from '../../workers/attempts.ts'
import { follow, JOB } from './world.ts'

const attempt = (n: number, index = JOB.index): ChildJob => ({ ...JOB, index, attempt: n })

const begin = (attempts: Attempts, job: ChildJob) => {
  const { progress } = follow(job)
  onTestFinished(() => progress.end())
  attempts.enter(job, progress)
  return progress
}

describe('attempts at work on a node', () => {
  test('are those that entered and have not left', () => {
    const attempts = new Attempts()
    expect(attempts.active).toEqual([])
    const first = begin(attempts, attempt(2))
    begin(attempts, attempt(1, 4))
    expect(attempts.active).toEqual(['u_s_3.2', 'u_s_4.1'])
    attempts.leave(attempt(2), first)
    expect(attempts.active).toEqual(['u_s_4.1'])
  })

  test('a higher one aborts the lower, whose leaving then changes nothing', () => {
    const attempts = new Attempts()
    const lower = begin(attempts, attempt(1))
    const higher = begin(attempts, attempt(2))
    expect(lower.signal.reason).toMatchObject({ code: 'cancelled' })
    expect(higher.signal.aborted).toBe(false)
    attempts.leave(attempt(1), lower)
    expect(attempts.active).toEqual(['u_s_3.2'])
  })

  test.for([1, 2])('attempt %d is refused while the second runs, and disturbs nothing', (n) => {
    const attempts = new Attempts()
    const running = begin(attempts, attempt(2))
    const refused = follow(attempt(n)).progress
    expect(() => attempts.enter(attempt(n), refused)).toThrow(
      expect.objectContaining({ code: 'cancelled', message: 'attempt 2 is at work here' }),
    )
    refused.end()
    attempts.leave(attempt(n), refused)
    expect(running.signal.aborted).toBe(false)
    expect(attempts.active).toEqual(['u_s_3.2'])
  })

  test('a lower one may come once the higher has left', () => {
    const attempts = new Attempts()
    attempts.leave(attempt(2), begin(attempts, attempt(2)))
    expect(begin(attempts, attempt(1)).signal.aborted).toBe(false)
  })
})

describe('an order to abort', () => {
  test('stops that attempt and no other', () => {
    const attempts = new Attempts()
    const [meant, other] = [begin(attempts, attempt(1, 0)), begin(attempts, attempt(1, 1))]
    attempts.abort('s', 0, 1)
    expect(meant.signal.reason).toMatchObject({ code: 'cancelled' })
    expect(other.signal.aborted).toBe(false)
  })

  test.for([
    ['of another attempt', 's', 3, 2],
    ['of another utterance', 's', 2, 1],
    ['of another session', 't', 3, 1],
  ] as const)('%s stops nothing', ([, session, index, n]) => {
    const attempts = new Attempts()
    const running = begin(attempts, attempt(1))
    attempts.abort(session, index, n)
    expect(running.signal.aborted).toBe(false)
  })

  test('to all stops all, for the reason given', () => {
    const attempts = new Attempts()
    const running = [0, 1, 2].map((index) => begin(attempts, attempt(1, index)))
    const reason = new LinguaError('node_lost')
    attempts.abortAll(reason)
    expect(running.map(({ signal }) => signal.reason)).toEqual([reason, reason, reason])
  })
})
