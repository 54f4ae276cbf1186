import { expect, test } from 'vitest'
import type { Fact } from '../history.ts'
import { checkHistory, DEFAULT_TERMS, type PromiseId, type Terms } from './checker.ts'
import { GOOD, isResult } from './histories.ts'

const TERMS: Terms = { ...DEFAULT_TERMS, restartMs: 3000, returnMs: 2000 }
const broken = (facts: readonly Fact[]): readonly PromiseId[] => [
  ...new Set(checkHistory(facts, TERMS).map(({ promise }) => promise)),
]

test('a repeat under a seq of its own is dropped where Redis was started again, and nowhere else', () => {
  const repeated = GOOD.flatMap((each): Fact[] => {
    if ((each.kind !== 'emitted' && each.kind !== 'delivered') || each.result.index !== 1)
      return [each]
    const behind: Fact = { ...each, result: { ...each.result, seq: 3 } }
    if (each.kind === 'delivered') return [behind]
    const repeats = GOOD.filter((old) => old.kind === 'emitted' && old.result.index === 0)
    return [
      behind,
      ...repeats.flatMap((old): Fact[] =>
        old.kind === 'emitted'
          ? [{ ...old, at: each.at - 1, result: { ...old.result, seq: 2 } }]
          : [],
      ),
    ]
  })
  const restart: Fact[] = [
    { kind: 'away', at: 145, how: 'SIGKILL' },
    { kind: 'back', at: 146 },
  ]
  const byTime = (facts: readonly Fact[]) => facts.toSorted((a, b) => a.at - b.at)
  expect(broken(byTime([...repeated, ...restart]))).toEqual([])
  expect(broken(byTime(repeated))).toEqual(['P4'])
})

test('what was lost with Redis is no breach once it is declared', () => {
  const older: Fact[] = [
    ...GOOD.filter((each) => each.kind !== 'delivered' || each.result.index !== 1),
    { kind: 'older', at: 205, ms: 500 },
    { kind: 'lost', at: 300, session: 's', from: 1, to: 1 },
    {
      kind: 'delivered',
      at: 310,
      session: 's',
      result: {
        kind: 'final',
        seq: 2,
        index: 1,
        outcome: 'failed',
        error: { code: 'lost', message: '' },
        startMs: 1,
        attempts: 0,
        timings: { audioMs: 1, waitMs: 0, nodeMs: 0, totalMs: 0 },
      },
    },
  ]
  const facts = older.filter((each) => each.kind !== 'emitted' || each.result.index !== 1)
  expect(broken(facts.toSorted((a, b) => a.at - b.at))).toEqual([])
})

test('an attempt that an older Redis has forgotten does not outdate the one that follows', () => {
  const [first] = GOOD.filter((each) => each.kind === 'routed')
  if (first?.kind !== 'routed') throw new Error('nothing was routed')
  const second: Fact = { ...first, n: 2, at: first.at + 1, after: 1 }
  const older: Fact = { kind: 'older', at: first.at + 2, ms: 10 }
  const byTime = (facts: readonly Fact[]) => facts.toSorted((a, b) => a.at - b.at)
  expect(broken(byTime([...GOOD, second, older]))).toEqual([])
  expect(broken(byTime([...GOOD, second]))).toContain('P2')
  expect(broken(byTime([...GOOD, second, { ...older, at: first.at }]))).toContain('P2')
})

test('of a client that has left no more is asked than that all is settled', () => {
  const left = GOOD.filter((each) => !isResult(each, 2) && each.at < 300).concat([
    { kind: 'ended', at: 200, session: 's', reason: 'left' },
  ])
  expect(broken(left)).toEqual([])
  const unsettled = left.filter((each) => each.kind !== 'settled' || each.index !== 1)
  expect(broken(unsettled)).toEqual(['P11'])
})

test('where Redis came back older a result may come again, under a seq that is then left out', () => {
  const [again] = GOOD.filter((each) => each.kind === 'emitted')
  if (again?.kind !== 'emitted') throw new Error('nothing was emitted')
  const repeated: Fact = { ...again, at: 120, result: { ...again.result, seq: 2 } }
  const facts = GOOD.map((each) =>
    isResult(each, 2) && 'result' in each ? { ...each, result: { ...each.result, seq: 3 } } : each,
  ) as readonly Fact[]
  const older: Fact = { kind: 'older', at: 110, ms: 50 }
  const sorted = (all: readonly Fact[]) => all.toSorted((a, b) => a.at - b.at)
  expect(broken(sorted([...facts, repeated, older]))).toEqual([])
  expect(broken(sorted([...facts, repeated]))).toContain('P4')
  expect(broken(sorted([...facts, older]))).toContain('P4')
})

test('a pending cut that came back when its session had ended is no breach, one before is', () => {
  const left: Fact = { kind: 'left', at: 900, what: 'pending cuts', names: ['audio:{s} cut:1'] }
  const olderAt = (instant: number): Fact => ({ kind: 'older', at: instant, ms: 50 })
  expect(broken([...GOOD, olderAt(500), left])).toEqual([])
  expect(broken([olderAt(5), ...GOOD, left])).toEqual(['P11'])
})
