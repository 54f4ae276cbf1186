import { nameOf, type Breach, type Rule } from './breach.ts'
import { groupBy, settledOf, type Of, type SessionView, type View } from './view.ts'

/** P4: `seq` runs without holes, and indices rise except around a gap that was marked. */
const inOrder: Rule = (view) =>
  view.sessions.flatMap((session) => orderOf(session, droppedSeqs(view, session)))

/**
 * Where Redis may have come back older, repeats of what the client has come under a `seq` of their own. Where
 * it has not, they can be nothing else.
 */
function droppedSeqs(view: View, { facts, results }: SessionView): ReadonlySet<number> {
  const isRestarted = view.of('away').some(({ how }) => how.startsWith('SIG'))
  if (!isRestarted && !view.isRolledBack) return new Set()
  const surfaced = new Set(results.map(({ result }) => result.seq))
  const isRepeat = (of: Of<'emitted'>): boolean =>
    results.some(({ at, result: { kind, index } }) => {
      const isSame = kind === of.result.kind && index === of.result.index
      return isSame && at < of.at
    })
  const emitted = facts.filter((each) => each.kind === 'emitted')
  const dropped = emitted.filter((each) => view.isRolledBack || isRepeat(each))
  return new Set(dropped.map(({ result }) => result.seq).filter((seq) => !surfaced.has(seq)))
}

function orderOf({ id, results }: SessionView, dropped: ReadonlySet<number>): Breach[] {
  const breaches: Breach[] = []
  const complain = (what: string): void => void breaches.push({ promise: 'P4', where: id, what })
  const gaps = new Set<number>()
  const ended = new Set<number>()
  let head = -1
  let expected = 1
  for (const [i, { result }] of results.entries()) {
    const { seq, index } = result
    while (dropped.has(expected)) expected += 1
    if (seq !== expected) complain(`the ${i + 1}. result surfaced has seq ${seq}`)
    expected += 1
    if (result.kind === 'gap') gaps.add(index)
    else if (ended.has(index)) complain(`index ${index} has two final results`)
    const isLate = result.kind === 'final' && gaps.has(index)
    if (result.kind === 'final') ended.add(index)
    if (isLate && !result.late) complain(`index ${index} came after its gap and is not late`)
    if (isLate) continue
    if (index !== head + 1) complain(`index ${index} came after index ${head}`)
    head = Math.max(head, index)
  }
  return breaches
}

/** Nobody is there any more to see results: that they are settled is all there is to ask. */
const hasLeft = ({ ended }: SessionView): boolean => ended?.reason === 'left'

/** P4, P11: every index that the client was told of has a final result in the end. */
const everyIndex: Rule = (view) =>
  view.sessions.flatMap((session) => {
    const missing = session.utterances.filter((utterance) =>
      hasLeft(session) ? !settledOf(utterance) : utterance.finals.length === 0,
    )
    const excused = session.closed?.unfinished ?? 0
    if (missing.length <= excused) return []
    const what = `${missing.length} utterances never ended, ${excused} by the answer to close`
    return [{ promise: 'P11', where: missing.map(nameOf).join(' '), what }]
  })

/** P5: what was settled is surfaced once. */
const everyOutcome: Rule = ({ sessions, isRolledBack }) =>
  sessions.flatMap((session) =>
    session.utterances.flatMap((utterance): Breach[] => {
      const where = nameOf(utterance)
      const times = utterance.finals.length
      if (times > 1) return [{ promise: 'P5', where, what: `surfaced ${times} times` }]
      const isExcused = (session.closed?.unfinished ?? 0) > 0 || isRolledBack || hasLeft(session)
      if (times === 1 || !settledOf(utterance) || isExcused) return []
      return [{ promise: 'P5', where, what: 'settled and never surfaced' }]
    }),
  )

/** P12: after Redis came back older, no index and no seq means something else than before. */
const nothingReused: Rule = (view) => {
  if (!view.isRolledBack) return []
  return view.sessions.flatMap((session) => {
    const seqs = groupBy(
      session.facts.filter((fact) => fact.kind === 'emitted'),
      ({ result }) => result.seq,
    )
    return [...seqs].flatMap(([seq, facts]): Breach[] => {
      const indices = new Set(facts.map(({ result }) => `${result.kind} ${result.index}`))
      if (indices.size === 1) return []
      const what = `seq ${seq} was used for ${[...indices].join(' and ')}`
      return [{ promise: 'P12', where: session.id, what }]
    })
  })
}

export const DELIVERY_RULES: readonly Rule[] = [inOrder, everyIndex, everyOutcome, nothingReused]

/** Results that came more than once on the wire. */
export const repeatsOf = ({ sessions }: View): number =>
  sessions
    .map(({ facts }) => facts.flatMap((each) => (each.kind === 'emitted' ? [each.result.seq] : [])))
    .reduce((sum, seqs) => sum + seqs.length - new Set(seqs).size, 0)
