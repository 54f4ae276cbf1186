import type { Cut } from '../../lua/audio.ts'
import type { SessionId } from '../protocol/ids.ts'
import type { SessionDeps } from './sessions.ts'

/** Forgets the cuts that have their outcome, and answers the others. */
export async function unsettled(
  { audio, settled }: Pick<SessionDeps, 'audio' | 'settled'>,
  session: SessionId,
  cuts: readonly Cut[],
): Promise<readonly Cut[]> {
  const done = await settled(
    session,
    cuts.map(({ index }) => index),
  )
  await Promise.all([...done].map((index) => audio.forgetCut(session, index)))
  return cuts.filter(({ index }) => !done.has(index))
}
