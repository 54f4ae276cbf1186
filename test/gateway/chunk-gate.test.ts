import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ChunkGate } from '../../src/gateway/chunk-gate.ts'

describe('the gate', () => {
  test('lets chunks through in order', () => {
    const gate = new ChunkGate(5)
    expect([5, 6, 7].map((chunk) => gate.admit(chunk))).toEqual(['store', 'store', 'store'])
    expect(gate.expected).toBe(8)
  })

  test('ignores a chunk that was let through before', () => {
    const gate = new ChunkGate(5)
    gate.admit(5)
    expect([0, 4, 5].map((chunk) => gate.admit(chunk))).toEqual(['ignore', 'ignore', 'ignore'])
    expect(gate.expected).toBe(6)
  })

  test('has a hole told once, whatever comes behind it', () => {
    const gate = new ChunkGate(0)
    expect([2, 3, 4, 2].map((chunk) => gate.admit(chunk))).toEqual([
      'tell',
      'ignore',
      'ignore',
      'ignore',
    ])
    expect(gate.expected).toBe(0)
  })

  test('goes on once the hole is filled, and tells the next one', () => {
    const gate = new ChunkGate(0)
    expect([1, 0, 1, 3].map((chunk) => gate.admit(chunk))).toEqual([
      'tell',
      'store',
      'store',
      'tell',
    ])
  })

  test('expects a chunk again that could not be stored, and tells that once', () => {
    const gate = new ChunkGate(0)
    for (const chunk of [0, 1, 2]) gate.admit(chunk)
    expect([1, 2].map((chunk) => gate.refuse(chunk))).toEqual([true, false])
    expect(gate.expected).toBe(1)
    expect([3, 2].map((chunk) => gate.admit(chunk))).toEqual(['ignore', 'ignore'])
    expect(gate.admit(1)).toBe('store')
  })

  test('tells of a chunk that could not be stored though a later hole was told before', () => {
    const gate = new ChunkGate(0)
    for (const chunk of [0, 1, 2]) gate.admit(chunk)
    expect(gate.admit(4)).toBe('tell')
    expect(gate.refuse(1)).toBe(true)
    expect(gate.expected).toBe(1)
  })
})

const CHUNKS = 12

/** What may happen between a client, the gate and the store, in any order. */
type Step =
  /** The client sends its next chunk. */
  | 'send'
  /** A new chunk never gets to the gate: what is sent again does. */
  | 'lose'
  /** The client hears the oldest thing it was told. */
  | 'hear'
  /** The store answers for the oldest chunk in flight: stored, failed, or stored without an answer. */
  | 'store'
  | 'fail'
  | 'time out'

/** A client that goes back where it is told to, and a store that takes chunks in order only. */
class Line {
  readonly gate = new ChunkGate(0)
  readonly told: number[] = []
  readonly flying: number[] = []
  #cursor = 0
  #new = 0
  #stored = 0
  /** Numbers told since anything was last let through. */
  readonly #holes = new Set<number>()

  get stored(): number {
    return this.#stored
  }

  take(step: Step): void {
    if (step === 'send') this.send()
    else if (step === 'lose') this.lose()
    else if (step === 'hear') this.hear()
    else this.answer(step)
  }

  send(): boolean {
    if (this.#cursor === CHUNKS) return false
    const chunk = this.#cursor
    this.#cursor += 1
    this.#new = Math.max(this.#new, this.#cursor)
    const { expected } = this.gate
    const admission = this.gate.admit(chunk)
    expect(admission === 'store').toBe(chunk === expected)
    if (admission === 'store') {
      this.flying.push(chunk)
      this.#holes.clear()
    }
    if (admission === 'tell') this.#tell()
    return true
  }

  lose(): void {
    if (this.#cursor < this.#new || this.#cursor === CHUNKS) return
    this.#cursor += 1
    this.#new = this.#cursor
  }

  hear(): void {
    this.#cursor = this.told.shift() ?? this.#cursor
  }

  answer(how: 'store' | 'fail' | 'time out'): void {
    const chunk = this.flying.shift()
    if (chunk === undefined) return
    const hole = chunk > this.#stored
    if (how !== 'fail' && chunk === this.#stored) this.#stored += 1
    const refused = how === 'store' ? (hole ? this.#stored : undefined) : chunk
    if (refused !== undefined && this.gate.refuse(refused)) this.#tell()
  }

  /**
   * From here on nothing fails any more. Behind a loss at the very end nothing is sent that would show it:
   * one more chunk does.
   */
  settle(): void {
    this.#exchange()
    if (this.#stored < CHUNKS && this.gate.admit(CHUNKS) === 'tell') this.#tell()
    this.#exchange()
  }

  #exchange(): void {
    do {
      while (this.flying.length > 0) this.answer('store')
      while (this.told.length > 0) this.hear()
      while (this.send());
    } while (this.flying.length > 0 || this.told.length > 0)
  }

  #tell(): void {
    const { expected } = this.gate
    expect(this.#holes).not.toContain(expected)
    this.#holes.add(expected)
    this.told.push(expected)
  }
}

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<Step>('send') },
    { weight: 4, arbitrary: fc.constant<Step>('store') },
    { weight: 2, arbitrary: fc.constant<Step>('hear') },
    fc.constantFrom<Step>('lose', 'fail', 'time out'),
  ),
  { maxLength: 80 },
)

test('whatever is lost or refused, every chunk is stored in the end, and a hole told once', () => {
  const property = fc.property(steps, (all) => {
    const line = new Line()
    for (const step of all) line.take(step)
    line.settle()
    expect(line.stored).toBe(CHUNKS)
  })
  fc.assert(property, { numRuns: 2000 })
})
