import { openLink, type LinkHandlers } from '../../src/client/link.ts'
import type {
  Result,
  ResumeRequest,
  SessionGrant,
  StartRequest,
} from '../../src/protocol/events.ts'
import { scriptedAudio, type Script } from '../../workers/engines/scripted.ts'

/** A bare connection: what the client library would do by itself is left to the test. */
export function dial(url: string, request: StartRequest | { readonly resume: ResumeRequest }) {
  const results: Result[] = []
  const told: string[] = []
  const nothing = (): void => {}
  let granted: (grant: SessionGrant) => void = nothing
  let refused: (error: Error) => void = nothing
  const opened = new Promise<SessionGrant>((resolve, reject) => {
    granted = resolve
    refused = reject
  })
  const handlers: LinkHandlers = {
    opened: (grant) => granted(grant),
    gone: (error) => refused(error),
    'audio.ack': nothing,
    'utterance.finalized': nothing,
    'utterance.progress': nothing,
    result: (result) => void results.push(result),
    'session.error': ({ code }) => void told.push(code),
    'session.backpressure': nothing,
    'audio.lost': nothing,
    'session.goaway': nothing,
    'session.superseded': () => void told.push('superseded'),
    'session.closed': ({ reason }) => void told.push(`closed: ${reason}`),
  }
  const link = openLink({ url, token: undefined, request, handlers })
  const commit = (through: number): Promise<unknown> =>
    new Promise((resolve) => void link.wire.emit('utterance.commit', { through }, resolve))
  const cancel = (index: number): Promise<unknown> =>
    new Promise((resolve) => void link.wire.emit('utterance.cancel', { index }, resolve))
  const close = (): Promise<unknown> =>
    new Promise((resolve) => void link.wire.emit('session.close', {}, resolve))
  return { link, opened, results, told, commit, cancel, close }
}

export type Dialled = ReturnType<typeof dial>

export const START: StartRequest = {
  source: 'en',
  target: 'es',
  endpointing: { mode: 'manual' },
}

export const say = ({ link }: Dialled, chunk: number, text: string, over: Script = {}): void =>
  void link.wire.emit('audio.append', chunk, scriptedAudio({ text, ...over }))

/** To come back with a grant, having heard nothing but what is said. */
export const resumeOf = (
  { id, resumeToken }: SessionGrant,
  ackedChunk: number,
  over: Partial<ResumeRequest> = {},
): { resume: ResumeRequest } => ({
  resume: {
    ...{ sessionId: id, token: resumeToken, lastSeq: 0, lastIndex: -1 },
    ...{ ackedChunk, firstChunk: 0 },
    ...over,
  },
})
