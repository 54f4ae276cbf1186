import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ResultReader, type Results } from '../../src/gateway/result-reader.ts'
import type { Result } from '../../src/protocol/events.ts'
import type { Put } from '../../src/protocol/news.ts'
import { sessionId } from '../../src/protocol/ids.ts'
import { settled } from '../support/promises.ts'

const session = sessionId('s')
const BATCH = 3

/** An outbox in memory that answers each read when the test says so. */
class Outbox implements Results {
  readonly batch = BATCH
  readonly acked: { seq: number; speech: readonly string[] }[] = []
  /** Reads that have not been answered, oldest first. */
  readonly reads: { from: number; answer: () => void; fail: (error: Error) => void }[] = []
  readonly #entries: { result: Result; speech: string | undefined }[] = []

  put(count = 1, speech = false): void {
    for (let i = 0; i < count; i += 1) {
      const seq = this.#entries.length + 1
      const result: Result = { seq, index: seq - 1, kind: 'gap' }
      this.#entries.push({ result, speech: speech ? `speech-${seq}` : undefined })
    }
  }

  get size(): number {
    return this.#entries.length
  }

  read(_: unknown, seq: number, put?: Put): ReturnType<Results['read']> {
    if (put?.seq === seq + 1) return Promise.resolve(this.#entries.slice(seq, seq + 1))
    return new Promise((resolve, reject) => {
      const answer = (): void => resolve(this.#entries.slice(seq, seq + BATCH))
      this.reads.push({ from: seq, answer, fail: reject })
    })
  }

  async ack(_: unknown, seq: number, speech: readonly string[]): Promise<void> {
    this.acked.push({ seq, speech })
  }

  waiting = async (): Promise<number> => 0
  released = async (): Promise<boolean> => false

  /** Answers every read, those that follow from the answers too, until nobody asks any more. */
  async answerAll(): Promise<void> {
    await settled()
    for (let read = this.reads.shift(); read; read = this.reads.shift()) {
      read.answer()
      await settled()
    }
  }
}

/** What a gateway is told of a result. */
const told = (seq: number): Put => ({ seq, index: seq - 1, late: false, outcome: '{}' })

const hops = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i += 1) await Promise.resolve()
}

function open(from = 0) {
  const outbox = new Outbox()
  const emitted: number[] = []
  const reader = new ResultReader(
    outbox,
    { session, seq: from },
    ({ seq }) => void emitted.push(seq),
  )
  return { outbox, emitted, reader }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

describe('the reader', () => {
  test('emits what waits, batch after batch, in order', async () => {
    const { outbox, emitted, reader } = open()
    outbox.put(10)
    const woken = reader.wake()
    await outbox.answerAll()
    await woken
    expect(emitted).toEqual(upTo(10))
  })

  test('does not ask again behind a batch that was not full', async () => {
    const { outbox, reader } = open()
    outbox.put(BATCH - 1)
    const woken = reader.wake()
    outbox.reads.shift()?.answer()
    await woken
    expect(outbox.reads).toEqual([])
  })

  test('begins behind what the client has seen', async () => {
    const { outbox, emitted, reader } = open(4)
    outbox.put(6)
    const woken = reader.wake()
    await outbox.answerAll()
    await woken
    expect(emitted).toEqual([5, 6])
  })

  test('is one: however often it is woken, one read is under way', async () => {
    const { outbox, emitted, reader } = open()
    outbox.put(2)
    const woken = [reader.wake(), reader.wake(), reader.wake()]
    await settled()
    expect(outbox.reads).toHaveLength(1)
    await outbox.answerAll()
    await Promise.all(woken)
    expect(emitted).toEqual([1, 2])
  })

  test('reads again when it was woken during a read that came too early', async () => {
    const { outbox, emitted, reader } = open()
    const first = reader.wake()
    outbox.reads.shift()?.answer()
    outbox.put()
    const second = reader.wake()
    await outbox.answerAll()
    await Promise.all([first, second])
    expect(emitted).toEqual([1])
  })

  test.for(Array.from({ length: 12 }, (_, i) => i))(
    'misses no wake that comes %d steps after its last answer',
    async (steps) => {
      const { outbox, emitted, reader } = open()
      void reader.wake()
      outbox.reads.shift()?.answer()
      await hops(steps)
      outbox.put()
      const woken = reader.wake()
      await outbox.answerAll()
      await woken
      expect(emitted).toEqual([1])
    },
  )

  test('asks for nothing when it was told what comes next, and for what it was not told', async () => {
    const { outbox, emitted, reader } = open()
    outbox.put(5)
    await reader.wake(told(1))
    expect({ emitted, reads: outbox.reads }).toEqual({ emitted: [1], reads: [] })
    const woken = reader.wake(told(5))
    await outbox.answerAll()
    await woken
    const stale = reader.wake(told(3))
    await outbox.answerAll()
    await stale
    expect(emitted).toEqual(upTo(5))
  })

  test('says that a read failed, and goes on from the same place when woken again', async () => {
    const { outbox, emitted, reader } = open()
    outbox.put(BATCH + 1)
    const woken = reader.wake()
    outbox.reads.shift()?.answer()
    await settled()
    outbox.reads.shift()?.fail(new Error('Connection is closed.'))
    await expect(woken).rejects.toThrow('closed')
    const again = reader.wake()
    await outbox.answerAll()
    await again
    expect(emitted).toEqual(upTo(BATCH + 1))
  })
})

describe('an acknowledgement', () => {
  test('drops the speech of what it covers, once', async () => {
    const { outbox, reader } = open()
    outbox.put(3, true)
    const woken = reader.wake()
    await outbox.answerAll()
    await woken
    for (const seq of [2, 2, 3]) await reader.ack(seq)
    expect(outbox.acked).toEqual([
      { seq: 2, speech: ['speech-1', 'speech-2'] },
      { seq: 2, speech: [] },
      { seq: 3, speech: ['speech-3'] },
    ])
  })

  test('of what was never emitted reaches no further than what was', async () => {
    const { outbox, reader } = open(7)
    await reader.ack(99)
    expect(outbox.acked).toEqual([{ seq: 7, speech: [] }])
  })
})

type Step = 'put' | 'wake' | 'told' | 'answer' | 'hop' | 'fail'
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<Step>('put', 'wake', 'told', 'answer', 'hop') },
    fc.constant<Step>('fail'),
  ),
  { maxLength: 60 },
)

test('whatever the wakes and answers, each result is emitted once and in order', async () => {
  const property = fc.asyncProperty(steps, async (all) => {
    const { outbox, emitted, reader } = open()
    const wake = (put?: Put): void => void reader.wake(put).catch(() => {})
    for (const step of all) {
      if (step === 'put') outbox.put()
      if (step === 'wake') wake()
      if (step === 'told' && outbox.size > 0) wake(told(outbox.size))
      if (step === 'answer') outbox.reads.shift()?.answer()
      if (step === 'fail') outbox.reads.shift()?.fail(new Error('away'))
      if (step === 'hop') await hops(1)
      expect(outbox.reads.length).toBeLessThanOrEqual(1)
    }
    await outbox.answerAll()
    wake()
    await outbox.answerAll()
    expect(emitted).toEqual(upTo(outbox.size))
  })
  await fc.assert(property, { numRuns: 300 })
})
