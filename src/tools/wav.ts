import { LinguaError } from '../protocol/codes.ts'

const HEADER_BYTES = 44
const FORMAT_BYTES = 16
const PCM = 1
const EXTENSIBLE = 0xfffe
const LOWEST_RATE = 8000
const HIGHEST_RATE = 48_000

/** Reads one sample of `bits` and scales it to 16 bits. */
const SAMPLE_READERS: Readonly<Record<number, (view: DataView, at: number) => number>> = {
  8: (view, at) => (view.getUint8(at) - 128) << 8,
  16: (view, at) => view.getInt16(at, true),
  24: (view, at) => view.getInt16(at + 1, true),
  32: (view, at) => view.getInt16(at + 2, true),
}

interface Format {
  readonly tag: number
  readonly channels: number
  readonly sampleRate: number
  readonly bits: number
}

export interface Wav {
  readonly sampleRate: number
  /** Of the file: `samples` are mono. */
  readonly channels: number
  readonly samples: Int16Array
}

/**
 * Reads a WAV file: PCM of 8, 16, 24 or 32 bits, mono or stereo (mixed down), 8 to 48 kHz.
 * Throws `unsupported_audio`, saying what the file is instead, for anything else or a cut-off file.
 */
export function readWav(bytes: Uint8Array): Wav {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const chunks = readChunks(view)
  const format = readFormat(chunks.get('fmt '))
  const data = chunks.get('data') ?? refuse('it has no data chunk')
  return {
    sampleRate: format.sampleRate,
    channels: format.channels,
    samples: readSamples(data, format),
  }
}

/** Writes mono pcm_s16le bytes, an even number of them, as a WAV file. */
export function writeWav(audio: { readonly sampleRate: number; readonly pcm: Uint8Array }): Buffer {
  const { sampleRate, pcm } = audio
  const header = Buffer.alloc(HEADER_BYTES)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(HEADER_BYTES - 8 + pcm.byteLength, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(FORMAT_BYTES, 16)
  header.writeUInt16LE(PCM, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(sampleRate, 24)
  header.writeUInt32LE(sampleRate * 2, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(pcm.byteLength, 40)
  return Buffer.concat([header, pcm])
}

function refuse(why: string): never {
  throw new LinguaError(
    'unsupported_audio',
    `a WAV file of PCM, mono or stereo, 8 to 48 kHz is expected, but ${why}`,
  )
}

const readTag = (view: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((offset) => view.getUint8(at + offset)))

function readChunks(view: DataView): ReadonlyMap<string, DataView> {
  if (view.byteLength < 12 || readTag(view, 0) !== 'RIFF' || readTag(view, 8) !== 'WAVE')
    refuse('it does not begin like one')
  const chunks = new Map<string, DataView>()
  let at = 12
  while (at + 8 <= view.byteLength && !chunks.has('data')) {
    const name = readTag(view, at)
    const length = view.getUint32(at + 4, true)
    const rest = view.byteLength - at - 8
    if (length > rest) refuse(`it is cut off: ${length - rest} bytes of "${name}" are missing`)
    chunks.set(name, new DataView(view.buffer, view.byteOffset + at + 8, length))
    // Chunks begin at even places.
    at += 8 + length + (length % 2)
  }
  return chunks
}

function readFormat(chunk: DataView | undefined): Format {
  if (!chunk || chunk.byteLength < FORMAT_BYTES) return refuse('it has no format chunk')
  const tag = chunk.getUint16(0, true)
  const format = {
    // The extensible form names the real format where its sub-format begins.
    tag: tag === EXTENSIBLE && chunk.byteLength >= 26 ? chunk.getUint16(24, true) : tag,
    channels: chunk.getUint16(2, true),
    sampleRate: chunk.getUint32(4, true),
    bits: chunk.getUint16(14, true),
  }
  const { channels, sampleRate, bits } = format
  if (format.tag !== PCM) refuse(`its format is ${format.tag}, not PCM`)
  if (channels !== 1 && channels !== 2) refuse(`it has ${channels} channels`)
  if (sampleRate < LOWEST_RATE || sampleRate > HIGHEST_RATE)
    refuse(`its sample rate is ${sampleRate} Hz`)
  if (!SAMPLE_READERS[bits]) refuse(`its samples have ${bits} bits`)
  return format
}

function readSamples(data: DataView, { channels, bits }: Format): Int16Array {
  const read = SAMPLE_READERS[bits] ?? refuse(`its samples have ${bits} bits`)
  const width = bits / 8
  const frame = width * channels
  return Int16Array.from({ length: Math.floor(data.byteLength / frame) }, (_, index) => {
    const at = index * frame
    return channels === 1 ? read(data, at) : (read(data, at) + read(data, at + width)) >> 1
  })
}
