import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Chunks } from '../../src/client/chunks.ts'

const RATE = 8_000
const CHUNK_BYTES = 1_600

const takeAll = (chunks: Chunks): Uint8Array[] => {
  const all: Uint8Array[] = []
  for (let chunk = chunks.take(); chunk; chunk = chunks.take()) all.push(chunk.bytes)
  return all
}

describe('chunks', () => {
  test('pieces of any length come out whole, in even chunks of at most 100 ms', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 5_000 }), { maxLength: 12 })
    fc.assert(
      fc.property(pieces, (audio) => {
        const chunks = new Chunks(RATE)
        for (const piece of audio) chunks.append(piece)
        chunks.flush()
        const framed = takeAll(chunks)
        for (const bytes of framed) {
          expect(bytes.length % 2).toBe(0)
          expect(bytes.length).toBeLessThanOrEqual(CHUNK_BYTES)
        }
        const input = Buffer.concat(audio)
        expect(Buffer.concat(framed)).toEqual(input.subarray(0, input.length & ~1))
      }),
    )
  })

  test('half a sample waits for its other half', () => {
    const chunks = new Chunks(RATE)
    chunks.append(Uint8Array.of(1, 2, 3))
    chunks.flush()
    chunks.append(Uint8Array.of(4))
    chunks.flush()
    expect(takeAll(chunks)).toEqual([Uint8Array.of(1, 2), Uint8Array.of(3, 4)])
  })

  test('acknowledged audio is held for three seconds more', () => {
    const chunks = new Chunks(RATE)
    chunks.append(new Uint8Array(CHUNK_BYTES * 50))
    takeAll(chunks)
    chunks.ack(44)
    expect(chunks.first).toBe(15)
    expect(chunks.expect(15)).toBe(true)
    expect(chunks.acked).toBe(14)
    expect(takeAll(chunks)).toHaveLength(35)
  })

  test('a chunk that is not held cannot be gone back to', () => {
    const chunks = new Chunks(RATE)
    chunks.append(new Uint8Array(CHUNK_BYTES * 50))
    chunks.ack(49)
    expect(chunks.expect(chunks.first - 1)).toBe(false)
    expect(chunks.expect(51)).toBe(false)
  })

  test('an old acknowledgement, or one of chunks never made, changes nothing that matters', () => {
    const chunks = new Chunks(RATE)
    chunks.append(new Uint8Array(CHUNK_BYTES * 3))
    chunks.ack(99)
    expect(chunks.acked).toBe(2)
    chunks.ack(0)
    expect(chunks.acked).toBe(2)
  })

  test('sixty seconds may be unacknowledged and no more', () => {
    const chunks = new Chunks(RATE)
    chunks.append(new Uint8Array(CHUNK_BYTES * 600))
    expect(chunks.wouldOverflow(0)).toBe(false)
    expect(chunks.wouldOverflow(1)).toBe(true)
    chunks.ack(0)
    expect(chunks.wouldOverflow(CHUNK_BYTES)).toBe(false)
  })
})
