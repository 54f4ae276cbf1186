import { transcriptOf } from '../speech.ts'
import { forEachUtterance, nameOf, type Breach, type Rule } from './breach.ts'
import { groupBy, rangeOf, type Final, type SessionView, type View } from './view.ts'

/** P1: an index is cut once, and always means the same audio. */
const cutOnce: Rule = forEachUtterance((utterance, _, { isRolledBack }) => {
  const { cuts, finalized, finals } = utterance
  const where = nameOf(utterance)
  const breaches: Breach[] = []
  if (cuts.length > 1 && !isRolledBack)
    breaches.push({ promise: 'P1', where, what: `cut ${cuts.length} times` })
  const told = [
    ...finalized.map(({ startMs, durationMs }) => `${startMs}+${durationMs} ms`),
    ...finals
      .filter(({ result }) => !isUnknown(result, isRolledBack))
      .map(({ result }) => `${result.startMs}+${result.timings.audioMs} ms`),
  ]
  const meanings = [...new Set(told)]
  if (meanings.length > 1)
    breaches.push({ promise: 'P1', where, what: `means ${meanings.join(' and ')}` })
  return breaches
})

/** Of an utterance that Redis came back without nobody knows where it was. */
const isUnknown = ({ error }: Final, isRolledBack: boolean): boolean =>
  isRolledBack && error?.code === 'lost'

/** P1, P6: a connection that was superseded writes nothing. */
const oneWriter: Rule = (view) => {
  const taken = groupBy(view.of('taken'), ({ session }) => session)
  const isLate = (write: { session: string; epoch: number; sentAt: number }): boolean =>
    (taken.get(write.session) ?? []).some(
      ({ epoch, at }) => epoch > write.epoch && at < write.sentAt,
    )
  const late = (what: string) => (write: { session: string; epoch: number }) => ({
    promise: 'P1' as const,
    where: write.session,
    what: `${what} by the superseded connection of epoch ${write.epoch}`,
  })
  return [
    ...view.of('cut').filter(isLate).map(late('a cut')),
    ...view.of('stored').filter(isLate).map(late('audio stored')),
  ]
}

/** P6: every byte that was appended lies in exactly one utterance, unless its loss was declared. */
const everyByte: Rule = (view) =>
  view.sessions.flatMap((session) => {
    if (!session.closed || (session.closed.unfinished ?? 0) > 0) return []
    const breaches: Breach[] = []
    const complain = (what: string): void =>
      void breaches.push({ promise: 'P6', where: session.id, what })
    let end = 0
    for (const utterance of session.utterances) {
      const range = rangeOf(utterance)
      if (!range) continue
      const [from, bytes] = range
      if (from !== end && !isDeclared(session, view))
        complain(`${nameOf(utterance)} begins at byte ${from}, the one before ended at ${end}`)
      end = from + bytes
    }
    if (end !== session.audio.length && !isDeclared(session, view))
      complain(`${session.audio.length} bytes were appended, utterances hold ${end}`)
    return breaches
  })

/** P6: what a node heard is what the client said. */
const sameWords: Rule = (view) =>
  view.sessions.flatMap((session) =>
    session.utterances.flatMap((utterance): Breach[] => {
      const { finals } = utterance
      const range = rangeOf(utterance)
      const final = finals[0]?.result
      if (!range || final?.outcome !== 'translated' || isDeclared(session, view)) return []
      const said = transcriptOf(session.audio.subarray(range[0], range[0] + range[1]))
      if (said === final.transcript) return []
      const what = `the node heard ${final.transcript}, the client said ${said}`
      return [{ promise: 'P6', where: nameOf(utterance), what }]
    }),
  )

/** P6: no load has audio that cannot be read, so a node that could not read it was not given all of it. */
const audioIsThere: Rule = forEachUtterance((utterance, _, { isRolledBack }) => {
  const error = utterance.finals[0]?.result.error
  if ((error?.code !== 'bad_audio' && error?.code !== 'lost') || isRolledBack) return []
  return [{ promise: 'P6', where: nameOf(utterance), what: `failed: ${error.message}` }]
})

/** Audio may be lost with what Redis forgot, and with nothing else. */
const isDeclared = ({ lost, utterances }: SessionView, { isRolledBack }: View): boolean =>
  isRolledBack &&
  (lost.length > 0 ||
    utterances.some(({ finals }) => finals.some(({ result }) => result.error?.code === 'lost')))

export const AUDIO_RULES: readonly Rule[] = [cutOnce, oneWriter, everyByte, sameWords, audioIsThere]
