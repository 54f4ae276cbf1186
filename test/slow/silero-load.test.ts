import { readFileSync } from 'node:fs'
import { setInterval } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/platform/clock.ts'
import { createLog } from '../../src/platform/log.ts'
import { openVads, type Ear } from '../../src/session/vad.ts'
import { descendantsOf } from '../support/processes.ts'
import { lacks, readRecordings } from '../support/real-engines.ts'

/** As many as the detector's process takes; another number measures what that would take. */
const STREAMS = Number(process.env['SILERO_STREAMS'] ?? 60)
const SECONDS = 8
const CHUNK_MS = 100
const CHUNK_BYTES = CHUNK_MS * 32
const TICKS_PER_S = 100

const cpuMsOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  return ((Number(user) + Number(system)) * 1000) / TICKS_PER_S
}
const residentMBOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

test.skipIf(lacks('recordings'))(
  'the Silero detector keeps the pace of speech with all its places taken',
  async () => {
    const vads = await openVads({
      clock: systemClock,
      log: createLog('silent', 'test'),
      places: STREAMS,
    })
    onTestFinished(() => vads.close())
    const told: string[] = []
    const opening = Array.from({ length: STREAMS }, () =>
      vads.listen({
        mode: 'vad',
        vad: 'silero',
        sampleRate: 16_000,
        heard: () => {},
        changed: ({ code }) => void told.push(code),
      }),
    )
    const ears = await Promise.all(opening)
    const { pid = 0 } = descendantsOf(process.pid, 'vad-silero-child')[0] ?? {}
    const cpuMs = cpuMsOf(pid)
    const lags = await speak(ears)
    const cores = (cpuMsOf(pid) - cpuMs) / (SECONDS * 1000)
    const lag = lags.toSorted((a, b) => a - b)[Math.floor(lags.length * 0.99)] ?? 0
    console.log(
      `${STREAMS} streams: ${residentMBOf(pid).toFixed(0)} MB, ${cores.toFixed(2)} cores, ` +
        `${((cores * 1000) / STREAMS).toFixed(1)} ms per s of audio, ` +
        `judged within ${lag.toFixed(0)} ms (p99), ${told.length} given up`,
    )
    expect(told).toEqual([])
  },
)

/** Real speech at the pace of speech; answers how long each chunk took to be judged, ms. */
async function speak(ears: readonly Ear[]): Promise<readonly number[]> {
  const speech = Buffer.concat(readRecordings().map(({ pcm }) => pcm))
  const lags: Promise<number>[] = []
  let sent = 0
  for await (const _ of setInterval(CHUNK_MS)) {
    for (const [i, ear] of ears.entries()) {
      const from = ((sent + i * 37) * CHUNK_BYTES) % (speech.length - CHUNK_BYTES)
      ear.hear(speech.subarray(from, from + CHUNK_BYTES))
    }
    const began = performance.now()
    lags.push(...ears.map((ear) => ear.settled().then(() => performance.now() - began)))
    sent += 1
    if (sent * CHUNK_MS >= SECONDS * 1000) return Promise.all(lags)
  }
  return []
}
