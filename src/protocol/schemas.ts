import { z } from 'zod'
import { CUT_REASONS, ENDPOINTING_MODES, SAMPLE_RATES } from './events.ts'
import { ID_PATTERN } from './ids.ts'
import { MOST_TEXT } from './text.ts'

/**
 * Everything that crosses a border is parsed by one of these, once. For every schema,
 * `parse(JSON.parse(JSON.stringify(x)))` equals `x`.
 */
const id = z.string().regex(ID_PATTERN)
const language = z.string().regex(/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/, 'a BCP-47 tag in lower case')
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const durationMs = z.number().min(0)
const text = z.string().max(MOST_TEXT)
const word = z.string().max(64)

export const audioFormat = z.strictObject({
  encoding: z.literal('pcm_s16le'),
  sampleRate: z.number().int().min(SAMPLE_RATES.min).max(SAMPLE_RATES.max),
})

export const startRequest = z
  .strictObject({
    source: z.union([z.literal('auto'), language]),
    candidates: z.array(language).min(1).max(8).optional(),
    target: language,
    audio: audioFormat.optional(),
    endpointing: z
      .strictObject({
        mode: z.enum(ENDPOINTING_MODES),
        vad: z.enum(['light', 'silero']).optional(),
        pauseMs: z.number().int().min(100).max(10_000).optional(),
        maxDurationMs: z.number().int().min(1000).max(60_000).optional(),
      })
      .optional(),
    speech: z.boolean().optional(),
  })
  .refine((start) => (start.source === 'auto') === (start.candidates !== undefined), {
    message: 'candidates go with the source auto, and only with it',
  })

/** The query of `/v1/explain`; every value is text. */
export const explainQuery = z.strictObject({
  source: language,
  target: language,
  speech: z.enum(['0', '1']).optional(),
})

export const resumeRequest = z.strictObject({
  sessionId: id,
  token: z.string().min(1).max(256),
  lastSeq: count,
  lastIndex: z.number().int().min(-1),
  ackedChunk: z.number().int().min(-1),
  firstChunk: count,
})

export const sessionStart = z.union([z.strictObject({ resume: resumeRequest }), startRequest])
export const commitRequest = z.strictObject({ through: count.optional() })
export const cancelRequest = z.strictObject({ index: count })
export const playbackRequest = z.strictObject({ seq: count })
export const resultAck = z.strictObject({ seq: count })
export const closeRequest = z.strictObject({})
export const chunkNumber = count

const audioRange = z.object({ ...audioFormat.shape, key: z.string(), from: count, bytes: count })

const spoken = z.object({
  v: z.literal(1),
  sessionId: id,
  index: count,
  source: z.string(),
  candidates: z.array(z.string()).optional(),
  target: z.string(),
  reason: z.enum(CUT_REASONS),
  audio: audioRange,
})

export const utteranceJob = spoken.extend({ speech: z.boolean(), startMs: count })

export const childJob = spoken.extend({
  attempt: z.number().int().min(1),
  speech: z.object({ key: z.string(), ttlMs: z.number().int().min(1) }).optional(),
  budgetMs: z.number().int().min(1),
  traceparent: z.string().optional(),
})

const speechRef = z.object({ ...audioFormat.shape, key: z.string(), bytes: count, durationMs })

/** Nodes may be written by others: what they return is checked like anything from outside. */
export const childResult = z.object({
  v: z.literal(1),
  outcome: z.enum(['translated', 'empty']),
  transcript: text.optional(),
  translation: text.optional(),
  detected: word.optional(),
  speech: z.union([speechRef, z.object({ failed: word })]).optional(),
  timings: z.object({
    recognizeMs: durationMs,
    translateMs: durationMs,
    synthesizeMs: durationMs,
  }),
})

export const registration = z.object({
  id,
  version: z.string(),
  capacity: z.number().int().min(1),
  languages: z.object({
    recognize: z.array(language),
    translate: z.array(z.tuple([language, language])),
    synthesize: z.array(language),
  }),
  engines: z.array(z.string()),
  host: z.string(),
})

export const vitals = z.object({
  active: z.array(z.string()),
  serviceMsPerAudioS: z.number().min(0),
  rssMB: z.number().min(0),
  loopBlockedMs: z.number().min(0),
  lateResults: count.optional(),
})

/** The `details` of `no_node`: of the nodes that serve the pair, how many were out, by reason. */
export const noNodeDetails = z.object({ excluded: z.object({ full: count, unable: count }) })

/** What is wrong with a payload, in one line. */
export const faultsOf = (error: z.ZodError): string =>
  error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ')
