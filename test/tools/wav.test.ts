import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readWav, writeWav } from '../../src/tools/wav.ts'

const bytesOf = (samples: Int16Array): Uint8Array => new Uint8Array(samples.buffer)
const rates = fc.integer({ min: 8000, max: 48_000 })
const mono = (samples: readonly number[], sampleRate = 16_000): Buffer =>
  writeWav({ sampleRate, pcm: bytesOf(Int16Array.from(samples)) })

interface Layout {
  readonly tag?: number
  readonly channels?: number
  readonly sampleRate?: number
  readonly bits?: number
  readonly data?: readonly number[]
}

/** A file put together by hand, with a chunk of odd length before the one that counts. */
function file({
  tag = 1,
  channels = 1,
  sampleRate = 16_000,
  bits = 16,
  data = [],
}: Layout): Buffer {
  const format = Buffer.alloc(tag === 0xfffe ? 40 : 16)
  const frame = (bits / 8) * channels
  format.writeUInt16LE(tag, 0)
  format.writeUInt16LE(channels, 2)
  format.writeUInt32LE(sampleRate, 4)
  format.writeUInt32LE(sampleRate * frame, 8)
  format.writeUInt16LE(frame, 12)
  format.writeUInt16LE(bits, 14)
  if (tag === 0xfffe) format.writeUInt16LE(1, 24)
  const chunk = (name: string, body: Uint8Array): Buffer => {
    const head = Buffer.from(`${name}\0\0\0\0`, 'latin1')
    head.writeUInt32LE(body.length, 4)
    return Buffer.concat([head, body, Buffer.alloc(body.length % 2)])
  }
  const chunks = [
    chunk('fmt ', format),
    chunk('LIST', Buffer.from('odd')),
    chunk('data', Buffer.from(data)),
  ]
  return Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE', 'latin1'), ...chunks])
}

test('what was written is read back, sample by sample', () => {
  fc.assert(
    fc.property(fc.int16Array(), rates, (samples, sampleRate) => {
      const wav = readWav(writeWav({ sampleRate, pcm: bytesOf(Int16Array.from(samples)) }))
      expect(wav).toEqual({ sampleRate, channels: 1, samples: Int16Array.from(samples) })
    }),
  )
})

test('a file that is a part of a larger buffer is read from where it begins', () => {
  const shifted = Buffer.concat([Buffer.from('xyz'), mono([1, -2, 3])]).subarray(3)
  expect([...readWav(shifted).samples]).toEqual([1, -2, 3])
})

test('stereo is mixed down to the mean of both sides without overflow', () => {
  const data = [...bytesOf(Int16Array.of(100, 300, 32_767, 32_767, -32_768, -32_768, -5, 5))]
  const wav = readWav(file({ channels: 2, data }))
  expect(wav.channels).toBe(2)
  expect([...wav.samples]).toEqual([200, 32_767, -32_768, 0])
})

test.for([
  [8, [0, 128, 255], [-32_768, 0, 32_512]],
  [24, [0xff, 0x34, 0x12, 0, 0, 0x80], [0x1234, -32_768]],
  [32, [0xff, 0xff, 0x34, 0x12, 0, 0, 0, 0x80], [0x1234, -32_768]],
] as const)('samples of %i bits become 16 bits', ([bits, data, expected]) => {
  expect([...readWav(file({ bits, data })).samples]).toEqual(expected)
})

test('the extensible form of PCM is PCM', () => {
  expect([...readWav(file({ tag: 0xfffe, data: [1, 0, 2, 0] })).samples]).toEqual([1, 2])
})

test.for([
  [{ tag: 3, bits: 32 }, 'its format is 3, not PCM'],
  [{ tag: 0x55 }, 'its format is 85, not PCM'],
  [{ channels: 6 }, 'it has 6 channels'],
  [{ channels: 0 }, 'it has 0 channels'],
  [{ sampleRate: 96_000 }, 'its sample rate is 96000 Hz'],
  [{ sampleRate: 4000 }, 'its sample rate is 4000 Hz'],
  [{ bits: 12 }, 'its samples have 12 bits'],
] as const)('%o is refused, and the message says: %s', ([layout, why]) => {
  const reading = () => readWav(file(layout))
  expect(reading).toThrow(expect.objectContaining({ code: 'unsupported_audio' }))
  expect(reading).toThrow(why)
})

test('a file cut off anywhere is refused, never read in part', () => {
  const whole = mono([1, 2, 3, 4])
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
      expect(() => readWav(whole.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'unsupported_audio' }),
      )
    }),
  )
})

test('any other bytes are refused with the same code', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => readWav(bytes)).toThrow(expect.objectContaining({ code: 'unsupported_audio' }))
      const framed = Buffer.concat([Buffer.from('RIFF....WAVEfmt ', 'latin1'), bytes])
      expect(() => readWav(framed)).toThrow(expect.objectContaining({ code: 'unsupported_audio' }))
    }),
  )
})
