import { nameOf, type Breach, type Rule } from './breach.ts'
import { outagesOf, overlap } from './outages.ts'
import { executionsOf, groupBy, type Of, type UtteranceView, type View } from './view.ts'

/** One attempt that was lost with its node, and how long it took to begin again elsewhere. */
export interface Restart {
  readonly utterance: string
  readonly node: string
  /** It was given to the node when that was dead already and not fenced yet. */
  readonly isLate: boolean
  readonly tookMs: number
}

/**
 * Restarts after deaths of nodes. Counted from the death, or from the moment the work was given to a node
 * that was already dead; until the next attempt was at work, or given to a node that died before it was.
 */
export function restartsOf(view: View): readonly Restart[] {
  const deaths = deathsOf(view)
  return view.utterances.flatMap((utterance) =>
    utterance.routes.flatMap((lost): Restart[] => {
      const next = nextOf(utterance, lost)
      const death = deaths.get(lost.life)
      if (death === undefined || !next || endedBefore(utterance, lost.n, death)) return []
      const began = executionsOf(utterance).find(({ n }) => n === next.n)
      if (!began && !deaths.has(next.life)) return []
      const restartedAt = began?.at ?? placedAt(utterance, next)
      const tookMs = restartedAt - Math.max(death, placedAt(utterance, lost))
      if (tookMs < 0) return []
      const isLate = lost.at > death
      return [{ utterance: nameOf(utterance), node: lost.node, isLate, tookMs }]
    }),
  )
}

const placedAt = ({ places }: UtteranceView, route: Of<'routed'>): number =>
  places.find(({ n }) => n === route.n)?.at ?? route.at

/** When each life of a node ended by force, by life; a freeze counts as one. */
function deathsOf({ of }: View): Map<string, number> {
  const registered = of('registered')
  const downs = of('down').filter(({ how }) => how !== 'SIGTERM')
  return new Map(
    registered.flatMap(({ node, life, at }) => {
      const down = downs.find((each) => each.who === node && each.at >= at)
      const next = registered.find((each) => each.node === node && each.at > at)
      return down && (!next || down.at < next.at) ? [[life, down.at] as const] : []
    }),
  )
}

/** The route that ended this attempt because its child was just gone. */
const nextOf = ({ routes }: UtteranceView, lost: Of<'routed'>): Of<'routed'> | undefined =>
  routes.find(({ after, why }) => after === lost.n && why === '')

const endedBefore = ({ finishes }: UtteranceView, n: number, at: number): boolean =>
  finishes.some((each) => each.n === n && each.at < at)

/** P7: when a node dies, its work restarts elsewhere within its lease and a second (99 of 100). */
const restartsSoon: Rule = (view, { restartMs }) => {
  if (restartMs === undefined) return []
  const restarts = restartsOf(view)
  return [true, false].flatMap((late): Breach[] => {
    const ofKind = restarts.filter(({ isLate }) => isLate === late)
    const slow = ofKind.filter(({ tookMs }) => tookMs > restartMs)
    if (slow.length <= Math.floor(ofKind.length / 100)) return []
    return slow.map(({ utterance, node, tookMs }) => ({
      promise: 'P7',
      where: utterance,
      what: `lost with ${node}, at work again after ${tookMs} ms`,
    }))
  })
}

/** P12b: a node is fenced only if it was silent for its lease, outages of Redis not counted. */
const healthyStay: Rule = (view, { leaseMs }) => {
  const beats = groupBy(view.of('beaten'), ({ life }) => life)
  const outages = outagesOf(view)
  return [...beats.values()].flatMap((ofLife): Breach[] => {
    const told = ofLife.find(({ word }) => word === 'superseded')
    const last = ofLife.findLast((each) => each.word === 'beat' && each.at < (told?.at ?? 0))
    if (!told || !last || wasReplaced(view, told, last.at)) return []
    const silentMs = told.at - last.sentAt - overlap(outages, last.sentAt, told.at)
    // Where Redis came back older it has forgotten beats: then its leases are shorter.
    const forgot = view.of('older').some(({ at }) => at > last.sentAt && at < told.at)
    if (silentMs >= leaseMs * 0.9 || forgot) return []
    const what = `fenced though it had been silent for ${silentMs} ms only`
    return [{ promise: 'P12b', where: `${told.node}-${told.life}`, what }]
  })
}

/** Another process took its id. */
const wasReplaced = (view: View, told: Of<'beaten'>, since: number): boolean =>
  view
    .of('registered')
    .some(({ node, pid, at }) => node === told.node && pid !== told.pid && at > since)

/** How long after each outage of Redis the first result came that a node had begun after it, ms. */
export function returnsOf(view: View): readonly number[] {
  const began = view.utterances.flatMap((each) => executionsOf(each))
  return outagesOf(view)
    .filter(({ to }) => to !== Infinity)
    .map(({ to }) =>
      Math.min(...began.filter(({ sentAt }) => sentAt > to).map(({ at }) => at - to)),
    )
    .filter(Number.isFinite)
}

/** P12: work goes on as soon as Redis is back. */
const backSoon: Rule = (view, { returnMs }) =>
  returnMs === undefined
    ? []
    : returnsOf(view)
        .filter((tookMs) => tookMs > returnMs)
        .map((tookMs) => ({
          promise: 'P12',
          where: 'redis',
          what: `the first new work began ${tookMs} ms after its return`,
        }))

const GRACE_MS = 1000

/** P13: a scheduler that drains begins no session, a node that drains is given nothing. */
const drainsClosed: Rule = (view) => {
  const leaving = view.of('down').filter(({ how }) => how === 'SIGTERM')
  const ups = view.of('up')
  const sessions = view.of('started').filter(({ by, sentAt }) =>
    leaving.some(({ who, at }) => {
      const again = ups.find((up) => up.who === who && up.at > at)?.at ?? Infinity
      return who === by && sentAt > at + GRACE_MS && sentAt < again
    }),
  )
  const marks = new Map(
    view
      .of('beaten')
      .filter(({ state, word }) => state === 'draining' && word === 'beat')
      .toReversed()
      .map(({ life, at }) => [life, at]),
  )
  const given = view
    .of('routed')
    .filter(({ life, sentAt }) => sentAt > (marks.get(life) ?? Infinity))
  return [
    ...sessions.map(({ session, by }) => ({
      promise: 'P13' as const,
      where: by,
      what: `began session ${session} while it drained`,
    })),
    ...given.map(({ session, index, n, node }) => ({
      promise: 'P13' as const,
      where: node,
      what: `was given u_${session}_${index}.${n} while it drained`,
    })),
  ]
}

/** From the first answer that no node can take an utterance to its end; the default start deadline. */
const NO_NODE_MS = 8000

/** P7: nobody is told that no node is ready while one has been up, and well, all the time. */
const livingServe: Rule = (view, { leaseMs }) => {
  const ups = view.of('up')
  const downs = view.of('down')
  const nodes = new Set(view.of('registered').map(({ node }) => node))
  const wasWell = (node: string, from: number, to: number): boolean => {
    const up = ups.findLast(({ who, at }) => who === node && at <= from)
    return up !== undefined && !downs.some(({ who, at }) => who === node && at > up.at && at <= to)
  }
  return view.utterances.flatMap((utterance): Breach[] => {
    const final = utterance.finals[0]
    if (!final?.result.error?.message.startsWith('no node that serves')) return []
    const well = [...nodes].find((node) => wasWell(node, final.at - NO_NODE_MS - leaseMs, final.at))
    if (well === undefined) return []
    const what = `failed as no_node while ${well} was up and well`
    return [{ promise: 'P7', where: nameOf(utterance), what }]
  })
}

/** Attempts that followed one whose child was just gone: re-homes, as the route script counts them. */
export const rehomesOf = ({ utterances }: View): number =>
  utterances.reduce(
    (sum, { routes }) => sum + routes.filter(({ after, why }) => after > 0 && why === '').length,
    0,
  )

/** What nodes were not let in with, because it was no longer theirs to say. */
export const fencedOf = ({ of }: View): readonly Of<'finished'>[] =>
  of('finished').filter(({ code }) => code < 0)

export const FAILOVER_RULES: readonly Rule[] = [
  restartsSoon,
  healthyStay,
  backSoon,
  drainsClosed,
  livingServe,
]
