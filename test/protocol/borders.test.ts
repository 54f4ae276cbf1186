import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import {
  audioFormat,
  chunkNumber,
  closeRequest,
  commitRequest,
  childJob,
  childResult,
  faultsOf,
  registration,
  resumeRequest,
  sessionStart,
  startRequest,
  utteranceJob,
} from '../../src/protocol/schemas.ts'

const start = { source: 'en', target: 'es' }
const resume = {
  sessionId: 's-1',
  token: 't',
  lastSeq: 0,
  lastIndex: -1,
  ackedChunk: -1,
  firstChunk: 0,
}
const audio = { key: 'k', from: 0, bytes: 2, encoding: 'pcm_s16le', sampleRate: 16_000 }
const spoken = { v: 1, sessionId: 's', index: 0, ...start, reason: 'manual', audio }
const parent = { ...spoken, speech: false, startMs: 0 }
const child = { ...spoken, attempt: 1, budgetMs: 1 }
const timings = { recognizeMs: 0, translateMs: 0, synthesizeMs: 0 }
const node = {
  id: 'n',
  version: '1',
  capacity: 1,
  languages: { recognize: ['en'], translate: [['en', 'es']], synthesize: ['es'] },
  engines: [],
  host: 'h',
}

type Case = readonly [what: string, schema: z.ZodType, payload: unknown]

const endpointing = (wish: object) => ({ ...start, endpointing: { mode: 'gap', ...wish } })

describe('the border lets through', () => {
  test.for<Case>([
    ['a start with nothing but its pair', startRequest, start],
    ['regions and scripts of a language', startRequest, { source: 'zh-hant-tw', target: 'pt-br' }],
    ['auto with candidates', startRequest, { ...start, source: 'auto', candidates: ['en'] }],
    ['the slowest sampling', audioFormat, { encoding: 'pcm_s16le', sampleRate: 8000 }],
    ['the fastest sampling', audioFormat, { encoding: 'pcm_s16le', sampleRate: 48_000 }],
    ['the shortest pause', startRequest, endpointing({ pauseMs: 100 })],
    ['the longest utterance', startRequest, endpointing({ maxDurationMs: 60_000 })],
    ['a resume that has seen nothing', sessionStart, { resume }],
    ['a commit of what was sent last', commitRequest, {}],
    ['chunk 0', chunkNumber, 0],
    ['a parent', utteranceJob, parent],
    ['a child without speech', childJob, child],
    ['an empty result', childResult, { v: 1, outcome: 'empty', timings }],
    [
      'speech that failed',
      childResult,
      { v: 1, outcome: 'empty', timings, speech: { failed: '' } },
    ],
    ['a node', registration, node],
  ])('%s', ([, schema, payload]) => {
    expect(schema.safeParse(payload).error).toBeUndefined()
  })
})

describe('the border refuses', () => {
  test.for<Case>([
    ['a language in upper case', startRequest, { ...start, source: 'EN' }],
    ['a language that is none', startRequest, { ...start, target: 'english language' }],
    ['auto as a target', startRequest, { ...start, target: 'auto' }],
    ['auto without candidates', startRequest, { ...start, source: 'auto' }],
    ['candidates without auto', startRequest, { ...start, candidates: ['en'] }],
    ['no candidate', startRequest, { ...start, source: 'auto', candidates: [] }],
    [
      'nine candidates',
      startRequest,
      { ...start, source: 'auto', candidates: Array(9).fill('en') },
    ],
    ['a hasty pause', startRequest, endpointing({ pauseMs: 99 })],
    ['a pause beyond bearing', startRequest, endpointing({ pauseMs: 10_001 })],
    ['half a millisecond', startRequest, endpointing({ pauseMs: 500.5 })],
    ['a short longest utterance', startRequest, endpointing({ maxDurationMs: 999 })],
    ['a long longest utterance', startRequest, endpointing({ maxDurationMs: 60_001 })],
    ['an unknown endpointing', startRequest, endpointing({ mode: 'guess' })],
    ['slow sampling', audioFormat, { encoding: 'pcm_s16le', sampleRate: 7999 }],
    ['fast sampling', audioFormat, { encoding: 'pcm_s16le', sampleRate: 48_001 }],
    ['compressed audio', audioFormat, { encoding: 'opus', sampleRate: 16_000 }],
    ['an id with a colon', resumeRequest, { ...resume, sessionId: 'a:b' }],
    ['an id with a line end', resumeRequest, { ...resume, sessionId: 'a\n' }],
    ['an empty id', resumeRequest, { ...resume, sessionId: '' }],
    ['an id of 65 characters', resumeRequest, { ...resume, sessionId: 'a'.repeat(65) }],
    ['an empty token', resumeRequest, { ...resume, token: '' }],
    ['a token without end', resumeRequest, { ...resume, token: 'a'.repeat(257) }],
    ['a seq below 0', resumeRequest, { ...resume, lastSeq: -1 }],
    ['an index below -1', resumeRequest, { ...resume, lastIndex: -2 }],
    ['a start that is a resume as well', sessionStart, { ...start, resume }],
    ['a negative chunk', chunkNumber, -1],
    ['half a chunk', chunkNumber, 0.5],
    ['a chunk that no number can count', chunkNumber, 2 ** 53],
    ['a chunk that is no number', chunkNumber, Number.NaN],
    ['a field that would change the prototype', closeRequest, JSON.parse('{"__proto__":{"a":1}}')],
    ['another version of a parent', utteranceJob, { ...parent, v: 2 }],
    ['an unknown reason', utteranceJob, { ...parent, reason: 'whim' }],
    ['attempt 0', childJob, { ...child, attempt: 0 }],
    ['no budget', childJob, { ...child, budgetMs: 0 }],
    ['speech that is kept for no time', childJob, { ...child, speech: { key: 'k', ttlMs: 0 } }],
    ['a result that says failed', childResult, { v: 1, outcome: 'failed', timings }],
    ['a result without timings', childResult, { v: 1, outcome: 'empty' }],
    [
      'time that runs backwards',
      childResult,
      { v: 1, outcome: 'empty', timings: { ...timings, translateMs: -1 } },
    ],
    ['a node without capacity', registration, { ...node, capacity: 0 }],
    [
      'a pair of three',
      registration,
      { ...node, languages: { ...node.languages, translate: [['en', 'es', 'ca']] } },
    ],
  ])('%s', ([, schema, payload]) => {
    expect(schema.safeParse(payload).success).toBe(false)
  })
})

test('what is wrong is told in one line, each fault with its place', () => {
  const { error } = startRequest.safeParse({ ...start, source: 'EN', audio: { encoding: 'opus' } })
  const faults = error && faultsOf(error)
  expect(faults).toMatch(/^source: .*; audio\.encoding: .*; audio\.sampleRate: /)
  expect(faults).not.toContain('\n')
})

test('a fault of the whole payload is told without a place', () => {
  const { error } = startRequest.safeParse({ ...start, source: 'auto' })
  expect(error && faultsOf(error)).toBe('candidates go with the source auto, and only with it')
})
