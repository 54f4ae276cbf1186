import { forEachUtterance, nameOf, type Breach, type Rule } from './breach.ts'
import { outagesOf, overlap } from './outages.ts'
import { settledOf, type View } from './view.ts'

/** P11: an utterance ends by its overall deadline and one lease. */
const endsInTime: Rule = forEachUtterance((utterance, { overallDeadlineMs, leaseMs }) => {
  const final = utterance.finals[0]
  const tookMs = (final?.at ?? 0) - utterance.knownAt
  if (tookMs <= overallDeadlineMs + leaseMs) return []
  return [{ promise: 'P11', where: nameOf(utterance), what: `ended after ${tookMs} ms` }]
})

/** P11: what a node has finished is settled soon, whatever else hangs on its utterance. */
const settledSoon: Rule = forEachUtterance((utterance, { settleMs }, view) => {
  const settled = settledOf(utterance)
  const done = utterance.finishes.find(
    ({ n, how, code }) => n === settled?.attempt && how === 'completed' && code >= 0,
  )
  if (!settled || !done || view.isRolledBack) return []
  const awayMs = overlap(outagesOf(view), done.at, settled.sentAt)
  const tookMs = settled.sentAt - done.at - awayMs
  if (tookMs <= settleMs) return []
  const what = `attempt ${done.n} was done ${tookMs} ms before it was settled`
  return [{ promise: 'P11', where: nameOf(utterance), what }]
})

/** P11: no session wedges: each goes on until its client closes it, and every question is answered. */
const sessionsLive: Rule = (view) =>
  view.sessions.flatMap(({ id, facts, ended }) => {
    const breaches: Breach[] = []
    const complain = (what: string): void => void breaches.push({ promise: 'P11', where: id, what })
    if (ended?.error !== undefined) complain(`ended with ${ended.error}`)
    const asked = facts.filter((fact) => fact.kind === 'asked')
    const answered = facts.filter((fact) => fact.kind === 'answered')
    if (!ended && asked.length > answered.length)
      complain(
        `${asked.length - answered.length} questions, ${asked.at(-1)?.what} last, unanswered`,
      )
    if (!ended) complain('was not closed in the end')
    return breaches
  })

/** A pending cut that came back with an older Redis when its session had ended: it expires with the audio. */
const isEcho = ({ sessions, of }: View, name: string): boolean =>
  sessions.some(
    ({ id, ended }) =>
      ended !== undefined &&
      name.includes(`{${id}} cut:`) &&
      of('older').some(({ at }) => at > ended.at),
  )

/** P9, P11: nothing is left of work that is over. */
const nothingLeft: Rule = (view) =>
  view
    .of('left')
    .map((left) => ({ ...left, names: left.names.filter((name) => !isEcho(view, name)) }))
    .filter(({ names }) => names.length > 0)
    .map(({ what, names }) => ({
      promise: what === 'slots' ? ('P9' as const) : ('P11' as const),
      where: what,
      what: `left in the end: ${names.join(', ')}`,
    }))

const MOST_ERRORS = 3
const MOST_REHOMES = 3
/** Executions without which nothing fails as this. */
const USED_UP: Readonly<Record<string, number>> = {
  attempts_exhausted: MOST_ERRORS,
  node_lost: MOST_REHOMES + 1,
}

/**
 * P10: an attempt is executed once, unless Redis forgot that it was; their number is bounded, and what never
 * began uses nothing up.
 */
const boundedAttempts: Rule = forEachUtterance((utterance, _, { isRolledBack }) => {
  const where = nameOf(utterance)
  const began = utterance.progress.filter(({ stage }) => stage === 'started')
  const breaches: Breach[] = []
  const complain = (what: string): void => void breaches.push({ promise: 'P10', where, what })
  if (new Set(began.map(({ n }) => n)).size < began.length && !isRolledBack)
    complain(`attempts ${began.map(({ n }) => n).join(', ')} were executed, one of them twice`)
  if (began.length > MOST_ERRORS + MOST_REHOMES) complain(`was executed ${began.length} times`)
  const final = utterance.finals[0]?.result
  const least = USED_UP[final?.error?.code ?? ''] ?? 0
  if (began.length < least)
    complain(`failed as ${final?.error?.code} after only ${began.length} executions`)
  return breaches
})

export const LIVENESS_RULES: readonly Rule[] = [
  endsInTime,
  settledSoon,
  sessionsLive,
  nothingLeft,
  boundedAttempts,
]
