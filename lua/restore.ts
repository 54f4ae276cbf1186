import type { GatewayId, SessionId } from '../src/protocol/ids.ts'
import type { AudioKeys, Keys } from './keys.ts'
import { oneOf, strings, timeOf, type ScriptDeps } from './scripts.ts'
import type { Cut } from './audio.ts'

const WORDS = ['restored', 'superseded'] as const

export interface RestoreScripts {
  /** Writes a session down as its gateway knows it; `superseded` if another connection has it. */
  restoreSession(restore: {
    session: SessionId
    epoch: number
    gateway: GatewayId
    tokenHash: string
    request: string
    subject: string
    lifeMs: number
  }): Promise<(typeof WORDS)[number]>
  /** Indices below `index` that have neither an outcome nor a job at work. */
  findLost(find: { session: SessionId; index: number }): Promise<readonly number[]>
}

/** What others know tells a control plane that came back older what it was. */
export function createRestoreScripts(deps: ScriptDeps<Keys>): RestoreScripts {
  const { call, keys } = deps
  return {
    async restoreSession({ session, epoch, gateway, tokenHash, request, subject, lifeMs }) {
      const answer = await call(
        'restoreSession-4',
        [keys.session(session), keys.order(session), keys.sessions, keys.clock],
        [session, epoch, gateway, tokenHash, request, subject, lifeMs, timeOf(deps)],
      )
      return oneOf(WORDS, String(answer))
    },
    async findLost({ session, index }) {
      const answer = await call(
        'findLost-2',
        [keys.order(session), keys.outcomes(session)],
        [keys.prefix, session, index],
      )
      return strings(answer).map(Number)
    },
  }
}

export interface AudioRestoreScripts {
  /** Makes these cuts again where they are not known; `superseded` if another connection has the audio. */
  restoreAudio(restore: {
    session: SessionId
    epoch: number
    cuts: readonly Cut[]
    lifeMs: number
  }): Promise<(typeof WORDS)[number]>
}

/** The same for the audio plane. */
export function createAudioRestoreScripts({
  call,
  keys,
}: ScriptDeps<AudioKeys>): AudioRestoreScripts {
  return {
    async restoreAudio({ session, epoch, cuts, lifeMs }) {
      const records = cuts.flatMap((cut) => [cut.index, recordOf(cut)])
      const answer = await call(
        'restoreAudio-1',
        [keys.audio(session)],
        [epoch, lifeMs, ...records],
      )
      return oneOf(WORDS, String(answer))
    },
  }
}

/** A cut as the audio hash holds it. */
const recordOf = ({ reason, base, bytes, continues, from, next }: Cut): string =>
  [reason, base, bytes, continues ? 1 : 0, from, next].join(' ')
