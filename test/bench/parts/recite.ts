import { setTimeout as pause } from 'node:timers/promises'
import { connect, type FinalResult, type Session } from '../../../src/client/client.ts'
import { LIBRIVOX_FILES, openRecording } from '../../../src/tools/recordings.ts'
import { sharedNow } from '../clock.ts'
import { serveQuestions } from '../part.ts'
import type { Worked } from './engines.ts'

export interface Recited extends Worked {
  /** Of `speechMs`, the part in which an engine was at work. */
  readonly enginesMs: number
}

let session: Session | undefined
const STORED_MS = 500

async function open({ url }: { url: string }): Promise<void> {
  const { sampleRate } = await openRecording(LIBRIVOX_FILES[0] ?? '')
  session = await connect(url, {
    ...{ source: 'en', target: 'es', speech: true, endpointing: { mode: 'manual' } },
    audio: { encoding: 'pcm_s16le', sampleRate },
  })
}

/** Sends a recording, waits until it is stored, cuts, and times what comes from the cut on. */
async function recite({ recording }: { recording: number }): Promise<Recited> {
  const { pcm } = await openRecording(LIBRIVOX_FILES[recording] ?? '')
  if (!session) throw new Error('not open')
  session.append(pcm)
  await pause(STORED_MS)
  const began = sharedNow()
  let textMs = NaN
  const off = session.on('progress', ({ stage }) => {
    if (stage === 'transcribed') textMs = sharedNow() - began
  })
  const result = nextFinal(session)
  await session.commit()
  const { timings, outcome } = await result
  const speechMs = sharedNow() - began
  off()
  if (outcome !== 'translated') throw new Error(`the outcome was ${outcome}`)
  return { textMs, speechMs, enginesMs: timings.nodeMs }
}

function nextFinal(from: Session): Promise<FinalResult> {
  return new Promise((resolve) => {
    const off = from.on('result', (result) => {
      if (result.kind !== 'final') return
      off()
      resolve(result)
    })
  })
}

serveQuestions({ open, recite })
