import { expect, test } from 'vitest'
import type { Fact } from '../history.ts'
import { checkHistory, DEFAULT_TERMS, type PromiseId, type Terms } from './checker.ts'
import { at, failedAs, GOOD, isResult, moved, swapResults, type Change } from './histories.ts'

const TERMS: Terms = { ...DEFAULT_TERMS, restartMs: 3000, returnMs: 2000 }
const broken = (facts: readonly Fact[]): readonly PromiseId[] => [
  ...new Set(checkHistory(facts, TERMS).map(({ promise }) => promise)),
]

test('a history in which all went well breaks nothing', () => {
  expect(checkHistory(GOOD, TERMS)).toEqual([])
})

const BAD: readonly (readonly [string, PromiseId, Change])[] = [
  [
    'an index is cut twice',
    'P1',
    (facts) => [...facts, ...facts.filter(({ kind }) => kind === 'cut')],
  ],
  [
    'an index is told with two meanings',
    'P1',
    at('finalized', 1, (fact) => ({ ...fact, durationMs: 7 })),
  ],
  [
    'a superseded connection cuts',
    'P1',
    (facts) => [
      { kind: 'taken', at: 5, sentAt: 5, by: 'scheduler-2', pid: 2, session: 's', epoch: 2 },
      ...facts,
    ],
  ],
  [
    'an outcome is settled twice',
    'P2',
    (facts) => [
      ...facts,
      ...facts.flatMap((each) =>
        each.kind === 'settled'
          ? [{ ...each, sentAt: each.at + 50_000, at: each.at + 50_001 }]
          : [],
      ),
    ],
  ],
  [
    'a repeat within the window is not told to be a duplicate',
    'P2',
    (facts) => [
      ...facts,
      ...facts.flatMap((each) =>
        each.kind === 'settled'
          ? [{ ...each, word: 'already_settled', sentAt: each.at + 10, at: each.at + 11 }]
          : [],
      ),
    ],
  ],
  [
    'the result of a superseded attempt is settled',
    'P2',
    (facts) => [
      ...facts,
      ...facts.flatMap((each) =>
        each.kind === 'routed' && each.index === 0
          ? [{ ...each, n: 2, after: 1, sentAt: 50, at: 51 }]
          : [],
      ),
    ],
  ],
  [
    'an index is delivered with two contents',
    'P2',
    at('emitted', 1, (fact) =>
      fact.result.kind === 'final'
        ? { ...fact, result: { ...fact.result, transcript: 'something else' } }
        : fact,
    ),
  ],
  [
    'the result of a current attempt is refused',
    'P3',
    at('settled', 1, (fact) => ({ ...fact, word: 'superseded' })),
  ],
  [
    'an attempt that has its result is followed by another',
    'P3',
    (facts) => [
      ...facts,
      ...facts.flatMap((each) =>
        each.kind === 'routed' && each.index === 1
          ? [{ ...each, n: 2, after: 1, why: '', sentAt: 290, at: 291 }]
          : [],
      ),
    ],
  ],
  ['a seq is missing', 'P4', (facts) => facts.filter((each) => !isResult(each, 1))],
  ['indices come out of order', 'P4', swapResults],
  [
    'a late result does not say so',
    'P4',
    (facts) => [
      ...facts.map((each) =>
        each.kind === 'delivered'
          ? { ...each, result: { ...each.result, seq: each.result.seq + 1 } }
          : each,
      ),
      { kind: 'delivered', at: 150, session: 's', result: { kind: 'gap', seq: 1, index: 0 } },
    ],
  ],
  [
    'a settled outcome is never surfaced',
    'P5',
    (facts) => facts.filter((each) => !isResult(each, 2)),
  ],
  [
    'audio is lost between two utterances',
    'P6',
    (facts) =>
      facts.map((each) =>
        each.kind === 'delivered' && each.result.kind === 'final' && each.result.index === 1
          ? { ...each, result: { ...each.result, startMs: each.result.startMs + 1 } }
          : each,
      ),
  ],
  [
    'a node hears what nobody said',
    'P6',
    (facts) =>
      facts.map((each) =>
        each.kind === 'appended'
          ? { ...each, audio: Buffer.alloc(64, 9).toString('base64') }
          : each,
      ),
  ],
  ['audio is lost though Redis was well', 'P6', failedAs('lost')],
  [
    'work of a dead node restarts too late',
    'P7',
    (facts) => moved(facts, { diedAt: 190, restartAt: 4000 }),
  ],
  [
    'work of a dead node goes too late to one that dies as well',
    'P7',
    (facts) => [
      ...moved(facts, { diedAt: 190, restartAt: 4000 }).filter(
        (each) => each.kind !== 'progressed' || each.n !== 2,
      ),
      {
        ...{ kind: 'registered', at: -7000, sentAt: -7000, by: 'node-2', pid: 3 },
        ...{ node: 'node-2', life: 'b' },
      },
      { kind: 'down', at: 3900, who: 'node-2', how: 'SIGKILL' },
    ],
  ],
  [
    'nobody takes an utterance though a node is well',
    'P7',
    (facts) =>
      facts.map((each) =>
        each.kind === 'delivered' && each.result.kind === 'final' && each.result.index === 1
          ? {
              ...each,
              at: 20_000,
              result: {
                ...each.result,
                outcome: 'failed' as const,
                error: { code: 'no_node', message: 'no node that serves this pair is ready' },
              },
            }
          : each,
      ),
  ],
  ['slots are left', 'P9', at('left', 1, (fact) => ({ ...fact, names: ['node-1 u_s_0.1'] }))],
  [
    'an attempt is executed twice',
    'P10',
    (facts) => [...facts, ...facts.filter((each) => each.kind === 'progressed')],
  ],
  ['attempts are used up that never began', 'P10', failedAs('attempts_exhausted')],
  ['re-homes are used up by one that began', 'P10', failedAs('node_lost')],
  [
    'an utterance never ends',
    'P11',
    (facts) => facts.filter((each) => !isResult(each, 2) && each.kind !== 'settled'),
  ],
  [
    'an utterance ends after its deadline',
    'P11',
    at('delivered', 2, (fact) => ({ ...fact, at: 200_000 })),
  ],
  [
    'a session ends by itself',
    'P11',
    at('ended', 1, (fact) => ({ ...fact, error: 'session_not_found: gone' })),
  ],
  [
    'a commit is never answered',
    'P11',
    (facts) => facts.filter(({ kind }) => kind !== 'answered' && kind !== 'ended'),
  ],
  [
    'a finished attempt waits for a minute to be settled',
    'P11',
    at('settled', 2, (fact) => ({ ...fact, sentAt: 60_300, at: 60_301 })),
  ],
  [
    'a seq is used again after Redis came back older',
    'P12',
    (facts) => [
      ...facts,
      { kind: 'older', at: 205, ms: 500 },
      { kind: 'emitted', at: 400, session: 's', result: { kind: 'gap', seq: 1, index: 7 } },
    ],
  ],
  [
    'work goes on 5 s after Redis is back',
    'P12',
    (facts) => [...facts, { kind: 'away', at: -6000, how: 'SIGKILL' }, { kind: 'back', at: -5000 }],
  ],
  [
    'a node is fenced that was never silent',
    'P12b',
    (facts) => [
      ...facts,
      ...facts.flatMap((each) =>
        each.kind === 'beaten'
          ? [{ ...each, at: each.at + 500, sentAt: each.sentAt + 500, word: 'superseded' }]
          : [],
      ),
    ],
  ],
  [
    'a draining scheduler begins a session',
    'P13',
    (facts) => [...facts, { kind: 'down', at: -5000, who: 'scheduler-1', how: 'SIGTERM' }],
  ],
  [
    'a draining node is given work',
    'P13',
    at('beaten', 1, (fact) => ({ ...fact, state: 'draining' })),
  ],
]

test.for(BAD)('a history in which %s breaks %s', ([, promise, change]) => {
  expect(broken(change(GOOD).toSorted((a, b) => a.at - b.at))).toContain(promise)
})

test('work that restarts within its bound, and an outage that fences nobody, break nothing', () => {
  expect(broken(moved(GOOD, { diedAt: 190, restartAt: 2000 }))).toEqual([])
})
