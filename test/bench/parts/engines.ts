import { openLocalEngine } from '../../../workers/engines/local.ts'
import type { Engine } from '../../../workers/engine.ts'
import { LIBRIVOX_FILES, openRecording } from '../../../src/tools/recordings.ts'
import { sharedNow } from '../clock.ts'
import { serveQuestions } from '../part.ts'

export interface Worked {
  readonly textMs: number
  readonly speechMs: number
}

let engine: Engine | undefined

/** The floor: the engines of this machine in one process, nothing between. */
async function open(): Promise<void> {
  engine = await openLocalEngine({ decoders: 1 })
  await engine.warmUp(AbortSignal.timeout(60_000))
}

async function work({ recording }: { recording: number }): Promise<Worked> {
  const { pcm, sampleRate } = await openRecording(LIBRIVOX_FILES[recording] ?? '')
  const began = sharedNow()
  const stages = engine?.begin({
    ...{ audio: pcm, encoding: 'pcm_s16le', sampleRate, source: 'en', target: 'es', attempt: 1 },
    signal: AbortSignal.timeout(60_000),
  })
  const heard = await stages?.recognize()
  const textMs = sharedNow() - began
  const translation = await stages?.translate(heard?.text ?? '', 'en')
  await stages?.synthesize(translation ?? '')
  return { textMs, speechMs: sharedNow() - began }
}

async function close(): Promise<void> {
  await engine?.close()
}

serveQuestions({ open, work, close })
