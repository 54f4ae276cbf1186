import type { FinalResult } from '../../../src/protocol/events.ts'
import type { Fact } from '../history.ts'
import { scripted } from '../speech.ts'
import type { Of } from './view.ts'

/** What makes another history of one. */
export type Change = (facts: readonly Fact[]) => readonly Fact[]

/** Changes the n-th fact of a kind, from 1. */
export function at<Kind extends Fact['kind']>(
  kind: Kind,
  n: number,
  change: (fact: Of<Kind>) => Of<Kind>,
): Change {
  return (facts) => {
    let seen = 0
    return facts.map((fact) => {
      if (fact.kind !== kind) return fact
      seen += 1
      return seen === n ? change(fact as Of<Kind>) : fact
    })
  }
}

const UTTERANCES = ['first', 'second'].map((text) => scripted({ text }))
const LENGTHS = UTTERANCES.map(({ length }) => length)
const PID = 1

const ran = (by: string, sentAt: number) => ({ by, pid: PID, sentAt, at: sentAt + 1 })

/** Everything that is to be seen of utterance `index`, which is committed at `from`. */
function utteranceFacts(index: number, from: number): readonly Fact[] {
  const of = { session: 's', index } as const
  const base = LENGTHS.slice(0, index).reduce((sum, bytes) => sum + bytes, 0)
  const bytes = LENGTHS[index] ?? 0
  const startMs = base / 32
  const result: FinalResult = {
    kind: 'final',
    seq: index + 1,
    index,
    outcome: 'translated',
    transcript: ['first', 'second'][index],
    startMs,
    attempts: 1,
    timings: { audioMs: bytes / 32, waitMs: 0, nodeMs: 0, totalMs: 9 },
  }
  const scheduler = (after: number) => ran('scheduler-1', from + after)
  const node = (after: number) => ran('node-1', from + after)
  const audio = UTTERANCES[index]?.toString('base64') ?? ''
  return [
    { kind: 'appended', at: from, session: 's', audio },
    { kind: 'asked', at: from, session: 's', what: 'commit' },
    { kind: 'cut', ...of, ...scheduler(10), epoch: 1, base, bytes, reason: 'manual' },
    { kind: 'answered', at: from + 12, session: 's', what: 'commit', index },
    { kind: 'finalized', ...of, at: from + 12, reason: 'manual', startMs, durationMs: bytes / 32 },
    { kind: 'routed', ...of, ...scheduler(20), n: 1, node: 'node-1', life: 'a', after: 0, why: '' },
    { kind: 'placed', ...of, ...scheduler(22), n: 1, queue: 'node-node-1-a' },
    { kind: 'progressed', ...of, ...node(30), n: 1, stage: 'started' },
    { kind: 'finished', ...of, ...node(70), n: 1, how: 'completed', code: 0 },
    {
      kind: 'settled',
      ...of,
      ...scheduler(80),
      attempt: 1,
      word: 'settled',
      outcome: 'translated',
    },
    { kind: 'emitted', at: from + 90, session: 's', result },
    { kind: 'delivered', at: from + 90, session: 's', result },
  ]
}

const beat = (sentAt: number): Fact => ({
  kind: 'beaten',
  ...ran('node-1', sentAt),
  node: 'node-1',
  life: 'a',
  state: 'ready',
  word: 'beat',
})

const FACTS: readonly Fact[] = [
  ...['scheduler-1', 'node-1'].map((who): Fact => ({ kind: 'up', at: -8000, who })),
  { kind: 'registered', ...ran('node-1', -8000), node: 'node-1', life: 'a' },
  ...[-1000, -500].map(beat),
  { kind: 'started', ...ran('scheduler-1', 0), session: 's' },
  { kind: 'taken', ...ran('scheduler-1', 1), session: 's', epoch: 1 },
  { kind: 'opened', at: 3, session: 's', client: 'client-1' },
  ...utteranceFacts(0, 10),
  ...utteranceFacts(1, 150),
  { kind: 'asked', at: 300, session: 's', what: 'close' },
  { kind: 'answered', at: 310, session: 's', what: 'close', unfinished: 0 },
  { kind: 'ended', at: 310, session: 's', reason: 'client' },
  { kind: 'left', at: 400, what: 'slots', names: [] },
]

/** One session of two utterances on one node, closed in order, with nothing left behind. */
export const GOOD: readonly Fact[] = FACTS.toSorted((a, b) => a.at - b.at)

/** Whether a fact is the delivery, or the emit, of this seq. */
export function isResult(fact: Fact, seq: number): boolean {
  return (fact.kind === 'delivered' || fact.kind === 'emitted') && fact.result.seq === seq
}

/** The second utterance fails with this code. */
export const failedAs =
  (code: string): Change =>
  (facts) =>
    facts.map((each) =>
      each.kind === 'delivered' && each.result.kind === 'final' && each.result.index === 1
        ? { ...each, result: { ...each.result, outcome: 'failed', error: { code, message: '' } } }
        : each,
    )

/** The two results come the other way round. */
export function swapResults(facts: readonly Fact[]): readonly Fact[] {
  return facts.map((each) =>
    each.kind === 'delivered'
      ? { ...each, at: 700 - each.at, result: { ...each.result, seq: 3 - each.result.seq } }
      : each,
  )
}

/** The second utterance is lost with its node and done on another. */
export function moved(
  facts: readonly Fact[],
  { diedAt, restartAt }: { diedAt: number; restartAt: number },
): readonly Fact[] {
  const first = facts.filter((each) => !('index' in each) || each.index !== 1)
  const again = facts.flatMap((each): Fact[] => {
    if (!('index' in each) || each.index !== 1) return []
    if (each.kind === 'cut' || each.kind === 'finalized') return [each]
    if (each.kind === 'routed')
      return [
        each,
        {
          ...each,
          n: 2,
          after: 1,
          node: 'node-2',
          life: 'b',
          sentAt: restartAt - 2,
          at: restartAt - 2,
        },
      ]
    if (each.kind === 'progressed')
      return [each, { ...each, n: 2, by: 'node-2', sentAt: restartAt, at: restartAt }]
    if (each.kind === 'finished')
      return [{ ...each, n: 2, sentAt: restartAt + 10, at: restartAt + 10 }]
    if (each.kind === 'settled')
      return [{ ...each, attempt: 2, sentAt: restartAt + 20, at: restartAt + 20 }]
    return [each]
  })
  const down: Fact = { kind: 'down', at: diedAt, who: 'node-1', how: 'SIGKILL' }
  return [...first, ...again, down].toSorted((a, b) => a.at - b.at)
}
