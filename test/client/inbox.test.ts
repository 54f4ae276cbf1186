import { describe, expect, test } from 'vitest'
import { Inbox } from '../../src/client/inbox.ts'
import { finalResult } from './tiny-gateway.ts'

describe('inbox', () => {
  test('a sequence number is taken once', () => {
    const inbox = new Inbox()
    expect(inbox.take(finalResult(1, 0))).toBe(true)
    expect(inbox.take(finalResult(1, 0))).toBe(false)
    expect(inbox.lastSeq).toBe(1)
  })

  test('a second final result of an index is dropped but acknowledged', () => {
    const inbox = new Inbox()
    inbox.take(finalResult(1, 1))
    expect(inbox.take(finalResult(2, 1))).toBe(false)
    inbox.take(finalResult(3, 0))
    expect(inbox.take(finalResult(4, 0))).toBe(false)
    expect(inbox.take(finalResult(5, 1))).toBe(false)
    expect(inbox.lastSeq).toBe(5)
  })

  test('the outcome behind a gap marker is surfaced when it comes', () => {
    const inbox = new Inbox()
    expect(inbox.take({ seq: 1, index: 0, kind: 'gap' })).toBe(true)
    expect(inbox.take(finalResult(2, 1))).toBe(true)
    expect(inbox.take({ ...finalResult(3, 0), late: true })).toBe(true)
    expect(inbox.lastIndex).toBe(1)
  })

  test('a marker is surfaced once, and not behind the outcome it stands for', () => {
    const inbox = new Inbox()
    expect(inbox.take({ seq: 1, index: 1, kind: 'gap' })).toBe(true)
    expect(inbox.take({ seq: 2, index: 1, kind: 'gap' })).toBe(false)
    expect(inbox.take({ ...finalResult(3, 1), late: true })).toBe(true)
    expect(inbox.take({ seq: 4, index: 1, kind: 'gap' })).toBe(false)
    inbox.take(finalResult(5, 0))
    expect(inbox.take({ seq: 6, index: 0, kind: 'gap' })).toBe(false)
    expect(inbox.lastSeq).toBe(6)
  })
})
