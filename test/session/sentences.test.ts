import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/platform/clock.ts'
import { createLog } from '../../src/platform/log.ts'
import {
  afterChunk,
  afterCut,
  afterDrop,
  afterFrames,
  decide,
  emptyUtterance,
} from '../../src/session/cutter.ts'
import { rulesOf } from '../../src/session/endpointing.ts'
import { openVads } from '../../src/session/vad.ts'
import { lacks } from '../support/real-engines.ts'
import { converse, RATE, type Conversation } from './conversation.ts'

const PAUSE_MS = 400
const CHUNK_MS = 20
const rules = rulesOf({ mode: 'vad', pauseMs: PAUSE_MS, maxDurationMs: 12_000, sampleRate: RATE })
const bytes = (ms: number): number => ms * (RATE / 1000) * 2

interface CutAt {
  /** When it was made, and where it begins and ends, ms of audio. */
  readonly at: number
  readonly begin: number
  readonly reason: string
}

/** Sends a conversation to a detector and answers the cuts, each when the audio had come that far. */
async function cutsOf({ pcm }: Conversation, vad: 'light' | 'silero'): Promise<readonly CutAt[]> {
  const vads = await openVads({ clock: systemClock, log: createLog('silent', 'test') })
  onTestFinished(() => vads.close())
  let state = emptyUtterance(0)
  const cuts: CutAt[] = []
  const ear = await vads.listen({
    mode: 'vad',
    vad,
    sampleRate: RATE,
    heard: (frames) => void (state = afterFrames(state, rules, frames)),
    changed: (why) => expect.fail(`${vad} is not there: ${why.message}`),
  })
  onTestFinished(() => ear.close())
  for (let sent = 0; sent < pcm.length; sent += bytes(CHUNK_MS)) {
    const chunk = pcm.subarray(sent, sent + bytes(CHUNK_MS))
    state = afterChunk(state, chunk.length, 0)
    ear.hear(chunk)
    await ear.settled()
    for (let next = decide(state, rules, 0); next; next = decide(state, rules, 0)) {
      if (next.kind === 'drop') state = afterDrop(state, next.before)
      else {
        const at = (sent + chunk.length) / bytes(1)
        cuts.push({ at, begin: next.begin / bytes(1), reason: next.reason })
        state = afterCut(state, next.index, state.base + next.endByte)
      }
    }
  }
  return cuts
}

describe.skipIf(lacks('recordings'))('sentences of a reader, 0.6 to 1.2 s apart,', () => {
  test.for([
    { vad: 'light', noise: 'none' },
    { vad: 'light', noise: 15 },
    { vad: 'silero', noise: 'none' },
    { vad: 'silero', noise: 15 },
  ] as const)(
    'are one utterance each, cut within 250 ms of the pause asked for ($vad, dB over noise: $noise)',
    { timeout: 60_000 },
    async ({ vad, noise }) => {
      const conversation = converse(7, noise === 'none' ? undefined : noise)
      const cuts = await cutsOf(conversation, vad)
      expect(cuts.map(({ reason }) => reason)).toEqual(conversation.ends.map(() => 'pause'))
      const pauses = cuts.map(({ at }, i) => Math.round(at - (conversation.ends[i] ?? 0)))
      console.log(`${vad}, dB over noise: ${noise}: speech to cut ${pauses.join(' ')} ms`)
      for (const [i, pause] of pauses.entries()) {
        expect(Math.abs(pause - PAUSE_MS)).toBeLessThanOrEqual(250)
        expect(cuts[i]?.begin).toBeGreaterThan(conversation.ends[i - 1] ?? 0)
      }
    },
  )
})
