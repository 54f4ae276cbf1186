import type { Result } from '../../../src/protocol/events.ts'
import type { Fact } from '../history.ts'
import { BYTES_PER_MS } from '../speech.ts'

/** All facts of one kind. */
export type Of<Kind extends Fact['kind']> = Extract<Fact, { kind: Kind }>
export type Final = Extract<Result, { kind: 'final' }>

/** An utterance: everything that was seen of one index of one session, by time. */
export interface UtteranceView {
  readonly session: string
  readonly index: number
  readonly cuts: readonly Of<'cut'>[]
  readonly finalized: readonly Of<'finalized'>[]
  readonly routes: readonly Of<'routed'>[]
  readonly places: readonly Of<'placed'>[]
  readonly progress: readonly Of<'progressed'>[]
  readonly finishes: readonly Of<'finished'>[]
  readonly settles: readonly Of<'settled'>[]
  /** Surfaced by the client library. */
  readonly finals: readonly { readonly at: number; readonly result: Final }[]
  /** On the wire, repeats included. */
  readonly emitted: readonly { readonly at: number; readonly result: Final }[]
  /** When it was first known to exist. */
  readonly knownAt: number
}

/** A session as its client saw it, and its utterances by index. */
export interface SessionView {
  readonly id: string
  readonly facts: readonly Fact[]
  readonly audio: Buffer
  readonly results: readonly Of<'delivered'>[]
  readonly utterances: readonly UtteranceView[]
  /** The answer to its close. */
  readonly closed: Of<'answered'> | undefined
  readonly ended: Of<'ended'> | undefined
  readonly lost: readonly Of<'lost'>[]
}

export interface View {
  readonly facts: readonly Fact[]
  readonly sessions: readonly SessionView[]
  readonly utterances: readonly UtteranceView[]
  readonly of: <Kind extends Fact['kind']>(kind: Kind) => readonly Of<Kind>[]
  /** Redis came back older during this history: what had been settled may be gone. */
  readonly isRolledBack: boolean
}

/** Sorts a history by session and utterance. Sessions are those that a client was granted. */
export function viewOf(facts: readonly Fact[]): View {
  const bySession = groupBy(facts, (fact) => ('session' in fact ? fact.session : undefined))
  const of = <Kind extends Fact['kind']>(kind: Kind) => only(facts, kind)
  const sessions = of('opened').map(({ session }) => viewSession(session, bySession.get(session)))
  return {
    facts,
    sessions,
    utterances: sessions.flatMap(({ utterances }) => utterances),
    of,
    isRolledBack: of('older').length > 0,
  }
}

function viewSession(id: string, facts: readonly Fact[] = []): SessionView {
  const byIndex = groupBy(facts, indexOf)
  return {
    id,
    facts,
    audio: Buffer.concat(only(facts, 'appended').map(({ audio }) => Buffer.from(audio, 'base64'))),
    results: only(facts, 'delivered'),
    utterances: [...byIndex]
      .toSorted(([a], [b]) => a - b)
      .map(([index, about]) => viewUtterance(id, index, about)),
    closed: only(facts, 'answered').find(({ what }) => what === 'close'),
    ended: only(facts, 'ended')[0],
    lost: only(facts, 'lost'),
  }
}

function viewUtterance(session: string, index: number, facts: readonly Fact[]): UtteranceView {
  return {
    session,
    index,
    cuts: only(facts, 'cut'),
    finalized: only(facts, 'finalized'),
    routes: only(facts, 'routed'),
    places: only(facts, 'placed'),
    progress: only(facts, 'progressed'),
    finishes: only(facts, 'finished'),
    settles: only(facts, 'settled'),
    finals: only(facts, 'delivered').flatMap(finalIn),
    emitted: only(facts, 'emitted').flatMap(finalIn),
    knownAt: facts[0]?.at ?? 0,
  }
}

function indexOf(fact: Fact): number | undefined {
  if (fact.kind === 'emitted' || fact.kind === 'delivered') return fact.result.index
  if (fact.kind === 'answered' && fact.what !== 'commit') return undefined
  return 'index' in fact ? (fact.index ?? undefined) : undefined
}

const finalIn = ({ at, result }: Of<'delivered'> | Of<'emitted'>) =>
  result.kind === 'final' ? [{ at, result }] : []

const only = <Kind extends Fact['kind']>(facts: readonly Fact[], kind: Kind): Of<Kind>[] =>
  facts.filter((fact): fact is Of<Kind> => fact.kind === kind)

/** By key, in the order given; without those that have none. */
export function groupBy<T, K>(
  all: readonly T[],
  keyOf: (each: T) => K | undefined,
): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>()
  for (const each of all) {
    const key = keyOf(each)
    if (key === undefined) continue
    const group = groups.get(key)
    if (group) group.push(each)
    else groups.set(key, [each])
  }
  return groups
}

/** The last seen of an utterance's audio: from which byte of the session, and how many. */
export function rangeOf({ finals, finalized }: UtteranceView): [number, number] | undefined {
  const final = finals[0]?.result
  if (final) return [final.startMs * BYTES_PER_MS, final.timings.audioMs * BYTES_PER_MS]
  const told = finalized.at(-1)
  return told && [told.startMs * BYTES_PER_MS, told.durationMs * BYTES_PER_MS]
}

/** Attempts that really began: the node told `started`. */
export const executionsOf = ({ progress }: UtteranceView): readonly Of<'progressed'>[] =>
  progress.filter(({ stage }) => stage === 'started')

/** The outcome that counted, where its settling was seen. */
export const settledOf = ({ settles }: UtteranceView): Of<'settled'> | undefined =>
  settles.find(({ word }) => word === 'settled')
