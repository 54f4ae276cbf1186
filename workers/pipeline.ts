import type { Progress } from './progress.ts'
import type { AudioStore } from '../src/platform/audio.ts'
import type { Clock } from '../src/platform/clock.ts'
import { isRedisDown } from '../src/platform/redis.ts'
import { LinguaError } from '../src/protocol/codes.ts'
import { BYTES_PER_SAMPLE } from '../src/protocol/events.ts'
import type { ChildJob, ChildResult, SpeechRef } from '../src/protocol/jobs.ts'
import { MOST_TEXT } from '../src/protocol/text.ts'
import type { Engine, Stages } from './engine.ts'

export interface PipelineDeps {
  readonly engine: Engine
  readonly audio: AudioStore
  readonly clock: Clock
}

/**
 * One attempt: recognize, translate, synthesize, under one signal. Speech that fails leaves the text.
 * Throws `LinguaError`; a result is a function of the job's inputs and nothing else.
 */
export async function runPipeline(
  deps: PipelineDeps,
  job: ChildJob,
  progress: Progress,
): Promise<ChildResult> {
  const { signal } = progress
  // No engine is given anything before Redis knows: an utterance that kills its node at once has used up one
  // of its attempts all the same.
  const [audio] = await progress.within(
    Promise.all([deps.audio.read(job.audio), progress.tell('started')]),
  )
  if (audio.length < job.audio.bytes)
    throw new LinguaError('lost', `${audio.length} of ${job.audio.bytes} bytes are there`)
  const { encoding, sampleRate } = job.audio
  const { source, candidates, target, attempt } = job
  const stages = deps.engine.begin({
    ...{ audio, encoding, sampleRate, source, candidates, target, attempt, signal },
  })
  const timed = stopwatch(deps.clock)
  const heard = await progress.within(stages.recognize())
  checkText(heard.text)
  const recognizeMs = timed()
  const detected = heard.detected === undefined ? {} : { detected: heard.detected }
  if (heard.text.trim() === '')
    return {
      v: 1,
      outcome: 'empty',
      ...detected,
      timings: { recognizeMs, translateMs: 0, synthesizeMs: 0 },
    }
  void progress.tell('transcribed', heard.text)
  timed()
  const translation = await progress.within(stages.translate(heard.text, heard.detected ?? source))
  checkText(translation)
  const translateMs = timed()
  void progress.tell('translated', translation)
  timed()
  const speech = await say(deps, job, { stages, translation, progress })
  const timings = { recognizeMs, translateMs, synthesizeMs: timed() }
  return {
    v: 1,
    outcome: 'translated',
    transcript: heard.text,
    translation,
    ...detected,
    ...(speech && { speech }),
    timings,
  }
}

/** Whatever an engine is made of, what it wrote is text that can be sent on, or its error. */
function checkText(text: unknown): void {
  if (typeof text !== 'string')
    throw new LinguaError('engine_error', `the engine answered ${typeof text} instead of text`)
  if (text.length > MOST_TEXT)
    throw new LinguaError('engine_error', `the engine wrote ${text.length} characters at once`)
  if (/\p{Surrogate}/u.test(text))
    throw new LinguaError('engine_error', 'the engine wrote half a character')
}

/** Failing speech never takes the text away; only an abort does. */
async function say(
  { audio }: PipelineDeps,
  job: ChildJob,
  { stages, translation, progress }: { stages: Stages; translation: string; progress: Progress },
): Promise<SpeechRef | { failed: string } | undefined> {
  if (!job.speech) return undefined
  try {
    const spoken = await progress.within(stages.synthesize(translation))
    if (!spoken) return undefined
    const { bytes, encoding, sampleRate } = spoken
    await audio.writeSpeech({ ...job.speech, bytes })
    return {
      key: job.speech.key,
      bytes: bytes.length,
      encoding,
      sampleRate,
      durationMs: Math.round((bytes.length * 1000) / (BYTES_PER_SAMPLE * sampleRate)),
    }
  } catch (error) {
    if (progress.signal.aborted) throw error
    if (error instanceof LinguaError) return { failed: error.code }
    return { failed: isRedisDown(error) ? 'dependency_down' : 'engine_error' }
  }
}

/** Milliseconds since the last look, to a tenth. */
function stopwatch(clock: Clock): () => number {
  let last = clock.now()
  return () => {
    const now = clock.now()
    const spent = Math.round((now - last) * 10) / 10
    last = now
    return spent
  }
}
