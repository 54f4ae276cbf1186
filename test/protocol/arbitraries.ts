import * as fc from 'fast-check'
import type { z } from 'zod'
import { CUT_REASONS, ENDPOINTING_MODES } from '../../src/protocol/events.ts'
import { ID_PATTERN } from '../../src/protocol/ids.ts'
import * as schemas from '../../src/protocol/schemas.ts'

/** A schema, payloads it must take, and whether it refuses fields it does not know. */
export interface Sample {
  readonly name: string
  readonly schema: z.ZodType
  readonly valid: fc.Arbitrary<unknown>
  readonly strict: boolean
}

export const ids = fc.stringMatching(ID_PATTERN)
const languages = fc.stringMatching(/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/)
const texts = fc.string({ unit: 'binary' })
const counts = fc.maxSafeNat()
const lasts = fc.oneof(fc.constant(-1), counts)
const positive = fc.integer({ min: 1 })
const durations = fc.double({ min: 0, max: 1e12, noNaN: true })

const formats = {
  encoding: fc.constant('pcm_s16le' as const),
  sampleRate: fc.integer({ min: 8000, max: 48_000 }),
}
const audioFormat = fc.record(formats)
const audioRange = fc.record({ ...formats, key: texts, from: counts, bytes: counts })

const endpointing = fc.record(
  {
    mode: fc.constantFrom(...ENDPOINTING_MODES),
    vad: fc.constantFrom('light', 'silero'),
    pauseMs: fc.integer({ min: 100, max: 10_000 }),
    maxDurationMs: fc.integer({ min: 1000, max: 60_000 }),
  },
  { requiredKeys: ['mode'] },
)
const wishes = { target: languages, audio: audioFormat, endpointing, speech: fc.boolean() }
const startRequest: fc.Arbitrary<z.output<typeof schemas.startRequest>> = fc.oneof(
  fc.record({ source: languages, ...wishes }, { requiredKeys: ['source', 'target'] }),
  fc.record(
    {
      source: fc.constant('auto'),
      candidates: fc.array(languages, { minLength: 1, maxLength: 8 }),
      ...wishes,
    },
    { requiredKeys: ['source', 'candidates', 'target'] },
  ),
)
const resumeRequest = fc.record({
  sessionId: ids,
  token: fc.string({ minLength: 1, maxLength: 256 }),
  lastSeq: counts,
  lastIndex: lasts,
  ackedChunk: lasts,
  firstChunk: counts,
})

const spoken = {
  v: fc.constant(1 as const),
  sessionId: ids,
  index: counts,
  source: texts,
  candidates: fc.array(texts),
  target: texts,
  reason: fc.constantFrom(...CUT_REASONS),
  audio: audioRange,
}
const utteranceJob = fc.record(
  { ...spoken, speech: fc.boolean(), startMs: counts },
  {
    requiredKeys: [
      ...(['v', 'sessionId', 'index', 'source', 'target', 'reason', 'audio'] as const),
      ...(['speech', 'startMs'] as const),
    ],
  },
)
const childJob = fc.record(
  {
    ...spoken,
    attempt: positive,
    speech: fc.record({ key: texts, ttlMs: positive }),
    budgetMs: positive,
    traceparent: texts,
  },
  {
    requiredKeys: [
      ...(['v', 'sessionId', 'index', 'source', 'target', 'reason', 'audio'] as const),
      ...(['attempt', 'budgetMs'] as const),
    ],
  },
)
const childResult = fc.record(
  {
    v: fc.constant(1 as const),
    outcome: fc.constantFrom('translated', 'empty'),
    transcript: texts,
    translation: texts,
    detected: texts,
    speech: fc.oneof(
      fc.record({ ...formats, key: texts, bytes: counts, durationMs: durations }),
      fc.record({ failed: texts }),
    ),
    timings: fc.record({
      recognizeMs: durations,
      translateMs: durations,
      synthesizeMs: durations,
    }),
  },
  { requiredKeys: ['v', 'outcome', 'timings'] },
)
const registration = fc.record({
  id: ids,
  version: texts,
  capacity: positive,
  languages: fc.record({
    recognize: fc.array(languages),
    translate: fc.array(fc.tuple(languages, languages)),
    synthesize: fc.array(languages),
  }),
  engines: fc.array(texts),
  host: texts,
})
const vitals = fc.record(
  {
    active: fc.array(texts),
    serviceMsPerAudioS: durations,
    rssMB: durations,
    loopBlockedMs: durations,
    lateResults: counts,
  },
  { requiredKeys: ['active', 'serviceMsPerAudioS', 'rssMB', 'loopBlockedMs'] },
)

/** The compiler holds each arbitrary against its schema. */
const of = <Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  sample: { readonly valid: fc.Arbitrary<z.output<Schema>>; readonly strict: boolean },
): Sample => ({ name, schema, ...sample })

const strict = true
export const SAMPLES: readonly Sample[] = [
  of('audioFormat', schemas.audioFormat, { valid: audioFormat, strict }),
  of('startRequest', schemas.startRequest, { valid: startRequest, strict }),
  of('explainQuery', schemas.explainQuery, {
    valid: fc.record(
      { source: languages, target: languages, speech: fc.constantFrom('0' as const, '1' as const) },
      { requiredKeys: ['source', 'target'] },
    ),
    strict,
  }),
  of('resumeRequest', schemas.resumeRequest, { valid: resumeRequest, strict }),
  of('sessionStart', schemas.sessionStart, {
    valid: fc.oneof(startRequest, fc.record({ resume: resumeRequest })),
    strict,
  }),
  of('commitRequest', schemas.commitRequest, {
    valid: fc.record({ through: counts }, { requiredKeys: [] }),
    strict,
  }),
  of('cancelRequest', schemas.cancelRequest, { valid: fc.record({ index: counts }), strict }),
  of('playbackRequest', schemas.playbackRequest, { valid: fc.record({ seq: counts }), strict }),
  of('resultAck', schemas.resultAck, { valid: fc.record({ seq: counts }), strict }),
  of('closeRequest', schemas.closeRequest, { valid: fc.constant({}), strict }),
  of('chunkNumber', schemas.chunkNumber, { valid: counts, strict }),
  of('utteranceJob', schemas.utteranceJob, { valid: utteranceJob, strict: false }),
  of('childJob', schemas.childJob, { valid: childJob, strict: false }),
  of('childResult', schemas.childResult, { valid: childResult, strict: false }),
  of('registration', schemas.registration, { valid: registration, strict: false }),
  of('noNodeDetails', schemas.noNodeDetails, {
    valid: fc.record({ excluded: fc.record({ full: counts, unable: counts }) }),
    strict: false,
  }),
  of('vitals', schemas.vitals, { valid: vitals, strict: false }),
]
