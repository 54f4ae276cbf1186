import { io, type Socket } from 'socket.io-client'
import { isErrorCode, LinguaError, type WireError } from '../protocol/codes.ts'
import {
  NAMESPACE,
  type ClientEvents,
  type Result,
  type ResumeRequest,
  type ServerEvents,
  type SessionGrant,
  type StartRequest,
} from '../protocol/events.ts'

const CONNECT_TIMEOUT_MS = 5_000
const ANSWER_TIMEOUT_MS = 10_000

export type Wire = Socket<ServerEvents, ClientEvents>

export interface LinkHandlers extends ServerEvents {
  /** `session.start` was granted. */
  readonly opened: (grant: SessionGrant) => void
  /** The link was refused or lost; nothing is called after it. */
  readonly gone: (error: LinguaError) => void
}

/** One connection to one gateway, used once: it never reconnects by itself. */
export interface Link {
  readonly wire: Wire
  /** Lets go of the connection; no handler is called any more. */
  drop(): void
}

export interface LinkOptions {
  readonly url: string
  readonly token: string | undefined
  readonly request: StartRequest | { readonly resume: ResumeRequest }
  readonly handlers: LinkHandlers
}

/** The error that an answer, a `session.error` or a refused handshake speaks of. */
export const errorFromWire = (error: WireError): LinguaError =>
  new LinguaError(error.code, error.message, error)

/** Connects, sends `session.start` at once and reports through the handlers. Never throws. */
export function openLink({ url, token, request, handlers }: LinkOptions): Link {
  const wire: Wire = io(new URL(NAMESPACE, url).href, {
    auth: token === undefined ? {} : { token },
    transports: ['websocket'],
    timeout: CONNECT_TIMEOUT_MS,
    forceNew: true,
    reconnection: false,
  })
  let isOver = false
  const drop = (): void => {
    isOver = true
    wire.off()
    // First, and so without a disconnect packet: it would make the server ignore whatever else came
    // in the same read, such as the last acknowledgement.
    wire.io.engine.close()
    wire.disconnect()
  }
  const gone = (error: LinguaError): void => {
    if (isOver) return
    drop()
    handlers.gone(error)
  }
  const lost = (what: string, cause?: unknown): void =>
    gone(new LinguaError('dependency_down', `The gateway ${url} ${what}.`, { cause }))

  wire.on('connect', () => {
    wire.timeout(ANSWER_TIMEOUT_MS).emit('session.start', request, (failure, answer) => {
      if (isOver) return
      if (failure) lost('did not answer session.start', failure)
      else if (answer.ok) handlers.opened(answer.session)
      else gone(errorFromWire(answer.error))
    })
  })
  wire.on('connect_error', (error) => {
    if (isWireError(error.data)) gone(errorFromWire(error.data))
    else lost(`cannot be reached (${error.message})`, error)
  })
  wire.on('disconnect', (reason) => lost(`closed the connection (${reason})`))
  listen(wire, handlers)
  return { wire, drop }
}

function listen(wire: Wire, handlers: ServerEvents): void {
  wire.on('audio.ack', handlers['audio.ack'])
  wire.on('utterance.finalized', handlers['utterance.finalized'])
  wire.on('utterance.progress', handlers['utterance.progress'])
  wire.on('result', (result) => handlers.result(withByteView(result)))
  wire.on('session.error', handlers['session.error'])
  wire.on('session.backpressure', handlers['session.backpressure'])
  wire.on('audio.lost', handlers['audio.lost'])
  wire.on('session.goaway', handlers['session.goaway'])
  wire.on('session.superseded', handlers['session.superseded'])
  wire.on('session.closed', handlers['session.closed'])
}

/** Browsers are given an ArrayBuffer where Node is given a Buffer; both become a byte array. */
function withByteView(result: Result): Result {
  if (result.kind === 'gap' || !result.speech || 'failed' in result.speech) return result
  const { bytes } = result.speech
  return { ...result, speech: { ...result.speech, bytes: new Uint8Array(bytes) } }
}

function isWireError(data: unknown): data is WireError {
  if (typeof data !== 'object' || data === null) return false
  if (!('code' in data) || !('message' in data)) return false
  return typeof data.code === 'string' && isErrorCode(data.code) && typeof data.message === 'string'
}
