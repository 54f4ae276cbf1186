import { forEachUtterance, nameOf, type Breach, type Rule } from './breach.ts'
import { settledOf, type Final, type View } from './view.ts'

/** P2: one outcome is settled; a repeat is told so, and by the window which guard it met. */
const settledOnce: Rule = forEachUtterance((utterance, { dedupWindowMs }, { isRolledBack }) => {
  if (isRolledBack) return []
  const first = settledOf(utterance)
  if (!first) return []
  const where = nameOf(utterance)
  return utterance.settles
    .filter((each) => each !== first && each.sentAt > first.at)
    .flatMap(({ word, sentAt, at }): Breach[] => {
      if (word === 'settled') return [{ promise: 'P2', where, what: 'settled twice' }]
      const isWithin = at - first.sentAt <= dedupWindowMs
      const isBehind = sentAt - first.at > dedupWindowMs
      const wanted = isWithin ? 'duplicate' : 'already_settled'
      if (word === wanted || (!isWithin && !isBehind) || word === 'unknown_session') return []
      const what = `a repeat ${sentAt - first.at} ms later was answered ${word}, not ${wanted}`
      return [{ promise: 'P2', where, what }]
    })
})

/** P2: an outcome comes of the attempt that was current, and every delivery of it is the same. */
const currentAndSame: Rule = forEachUtterance((utterance, _, { isRolledBack, of }) => {
  // An older Redis has never heard of later attempts, and numbers them anew.
  const isForgotten = (from: number, to: number): boolean =>
    of('older').some(({ at }) => at > from && at < to)
  const where = nameOf(utterance)
  const breaches: Breach[] = []
  for (const { attempt, word, sentAt } of utterance.settles) {
    const newer = utterance.routes.find(
      ({ n, at }) => n > (attempt ?? Infinity) && at < sentAt && !isForgotten(at, sentAt),
    )
    if (word === 'settled' && newer)
      breaches.push({
        promise: 'P2',
        where,
        what: `attempt ${attempt} was settled after attempt ${newer.n} had begun`,
      })
  }
  // What Redis forgot is done again: then the client has the first, and drops the second.
  const seen = isRolledBack ? utterance.finals : [...utterance.emitted, ...utterance.finals]
  const told = seen.map(({ result }) => contentOf(result))
  if (new Set(told).size > 1)
    breaches.push({
      promise: 'P2',
      where,
      what: `delivered as ${[...new Set(told)].join(' and ')}`,
    })
  return breaches
})

/** Late may be added to it, and times are those of each emit. */
const contentOf = ({ outcome, transcript, translation, attempts, node, error }: Final): string =>
  JSON.stringify({ outcome, transcript, translation, attempts, node, error: error?.code })

/** P3: the result of a current attempt counts, however late; nobody takes an attempt that works away. */
const neverTooLate: Rule = forEachUtterance((utterance, _, { isRolledBack }) => {
  if (isRolledBack) return []
  const where = nameOf(utterance)
  const isSuperseded = (n: number, at: number): boolean =>
    utterance.routes.some((route) => route.n > n && route.sentAt < at)
  const refused = utterance.settles
    .filter(({ word, attempt, at }) => word === 'superseded' && !isSuperseded(attempt ?? 0, at))
    .map(({ attempt }) => `the result of attempt ${attempt} was refused though none was newer`)
  const discarded = utterance.finishes
    .filter(({ how, code }) => how === 'completed' && code >= 0)
    .filter(({ n, at }) => utterance.routes.some(({ after, sentAt }) => after === n && sentAt > at))
    .filter(({ n, sentAt }) => !isSuperseded(n, sentAt))
    .map(({ n }) => `attempt ${n} had its result and was followed by another`)
  return [...refused, ...discarded].map((what) => ({ promise: 'P3', where, what }))
})

const BUDGET_MS = 10_000

/** P3: work that is alive is left alone. */
const leftAlone: Rule = (view) => {
  const harmed = harmedLives(view)
  return view.utterances.flatMap((utterance) =>
    utterance.routes.flatMap(({ after, why, at }): Breach[] => {
      const lost = utterance.routes.find(({ n }) => n === after)
      const told = utterance.progress.findLast((each) => each.n === after && each.at < at)
      const ended = utterance.finishes.some(({ n }) => n === after)
      if (!lost || !told || ended || why !== '' || at - told.at >= BUDGET_MS) return []
      if (harmed(lost.node, lost.life, at)) return []
      const what = `attempt ${after} was at work on ${lost.node}, which was well, and was replaced`
      return [{ promise: 'P3', where: nameOf(utterance), what }]
    }),
  )
}

/** Whether something was done to one life of a node, or it said goodbye, before an instant. */
function harmedLives({ of }: View) {
  const hurt = [
    ...of('down').map(({ who, at }) => ({ node: who, at })),
    ...of('registered'),
    ...of('beaten').filter(({ word }) => word === 'superseded'),
  ]
  const begins = new Map(of('registered').map(({ life, at }) => [life, at]))
  return (node: string, life: string, to: number): boolean =>
    hurt.some((each) => each.node === node && each.at > (begins.get(life) ?? 0) && each.at <= to)
}

export const OUTCOME_RULES: readonly Rule[] = [settledOnce, currentAndSame, neverTooLate, leftAlone]
