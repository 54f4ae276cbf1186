import type { z } from 'zod'
import { LIMITS } from '../platform/limits.ts'
import type { Log } from '../platform/log.ts'
import { LinguaError } from '../protocol/codes.ts'
import { SAMPLE_RATES, type ClientEvents, type StartRequest } from '../protocol/events.ts'
import {
  audioFormat,
  cancelRequest,
  chunkNumber,
  closeRequest,
  commitRequest,
  faultsOf,
  playbackRequest,
  resultAck,
  sessionStart,
} from '../protocol/schemas.ts'
import type { Sessions } from '../session/sessions.ts'
import { toWireError } from './errors.ts'
import { LiveSession, type LiveSessionDeps } from './live-session.ts'
import { createWire, type ClientSocket, type Wire } from './wire.ts'

export interface ConnectionDeps extends LiveSessionDeps {
  readonly log: Log
  readonly sessions: Sessions
  /** Whether this process takes no sessions any more, new or resumed. */
  readonly isDraining: () => boolean
  /** Throws where nobody serves the pair. */
  readonly admit: (request: StartRequest) => Promise<void>
  readonly opened: (live: LiveSession, socket: ClientSocket) => void
  readonly lost: (live: LiveSession) => void
  /** The first event of a connection: from now on only its own resume token is valid. */
  readonly used: (live: LiveSession) => void
}

const KNOWN_EVENTS: ReadonlySet<string> = new Set<keyof ClientEvents>([
  'session.start',
  'audio.append',
  'utterance.commit',
  'utterance.cancel',
  'playback.started',
  'playback.ended',
  'result.ack',
  'session.close',
])

/**
 * One client socket: parses what comes, hands it to the session, answers. Events take effect in the order
 * sent, because each issues its script before the next is looked at.
 */
export function serveConnection(deps: ConnectionDeps, socket: ClientSocket, subject: string): void {
  const { log } = deps
  let live: LiveSession | undefined
  let starting = false
  const wire = createWire(socket)
  const complain = (error: unknown): void =>
    wire.emit('session.error', { ...toWireError(error), fatal: false })

  /** Answers through the acknowledgement: the value, or the error that came instead. */
  const answer = (ack: unknown, work: () => Promise<object>): void => {
    const reply = typeof ack === 'function' ? ack : () => {}
    work().then(
      (value) => reply({ ok: true, ...value }),
      (error: unknown) => {
        const told = toWireError(error)
        if (told.code === 'internal') log.error({ err: error }, 'event failed')
        reply({ ok: false, error: told })
      },
    )
  }
  const current = (): LiveSession => {
    if (!live) throw new LinguaError('session_not_started')
    return live
  }

  socket.on('session.start', (payload, ack) =>
    answer(ack, async () => {
      if (live || starting) throw new LinguaError('bad_request', 'this connection has its session')
      starting = true
      try {
        const started = await startSession(deps, { payload, subject, to: wire })
        live = started.live
        deps.opened(live, socket)
        if (socket.connected) setImmediate(() => begin(deps, started.live))
        else deps.lost(live)
        return started.answer
      } finally {
        starting = false
      }
    }),
  )
  socket.on('audio.append', (chunk, bytes) => {
    if (!live) return
    try {
      live.append(parse(chunkNumber, chunk), checkBytes(bytes))
    } catch (error) {
      complain(error)
    }
  })
  socket.on('utterance.commit', (payload, ack) =>
    answer(ack, async () => ({
      index: await current().commit(parse(commitRequest, payload).through),
    })),
  )
  socket.on('utterance.cancel', (payload, ack) =>
    answer(ack, async () => {
      const { index } = parse(cancelRequest, payload)
      return { cancelled: await current().cancel(index) }
    }),
  )
  for (const event of ['playback.started', 'playback.ended'] as const)
    socket.on(event, (payload, ack) =>
      answer(ack, async () => {
        current().play(parse(playbackRequest, payload).seq, event === 'playback.started')
        return Promise.resolve({})
      }),
    )
  socket.on('result.ack', (payload) => {
    const parsed = resultAck.safeParse(payload)
    if (parsed.success) live?.ack(parsed.data.seq)
    else complain(new LinguaError('bad_request', faultsOf(parsed.error)))
  })
  socket.on('session.close', (payload, ack) =>
    answer(ack, () => {
      parse(closeRequest, payload ?? {})
      return current().close()
    }),
  )
  let used = false
  socket.onAny((event: string) => {
    if (live && !used) {
      used = true
      deps.used(live)
    }
    if (!KNOWN_EVENTS.has(event)) complain(new LinguaError('bad_request', 'no such event'))
  })
  socket.on('disconnect', () => {
    if (live) deps.lost(live)
  })
}

const SUPPORTED = { encoding: 'pcm_s16le', channels: 1, sampleRate: SAMPLE_RATES }

/** Audio that is not taken is told apart from what is no request at all. */
function checkFormat(payload: unknown): void {
  if (typeof payload !== 'object' || payload === null || !('audio' in payload)) return
  const { audio } = payload
  if (audio === undefined || audioFormat.safeParse(audio).success) return
  throw new LinguaError('unsupported_audio', undefined, { details: SUPPORTED })
}

async function startSession(
  deps: ConnectionDeps,
  { payload, subject, to }: { payload: unknown; subject: string; to: Wire },
) {
  if (deps.isDraining()) throw new LinguaError('draining')
  checkFormat(payload)
  const request = parse(sessionStart, payload)
  const resume = 'resume' in request ? request.resume : undefined
  if (!('resume' in request)) await deps.admit(request)
  const opened =
    'resume' in request
      ? await deps.sessions.resume(request.resume, subject)
      : await deps.sessions.start(request, subject)
  const { session, resumeToken, nextChunk, closed, lost } = opened
  if (resume && resume.lastSeq > 0) await deps.results.ack(session.id, resume.lastSeq, [])
  const live = new LiveSession(
    deps,
    session,
    { lastSeq: resume?.lastSeq ?? 0, lastIndex: resume?.lastIndex ?? -1, nextChunk, closed, lost },
    to,
  )
  return {
    live,
    answer: {
      session: {
        id: session.id,
        resumeToken,
        nextChunk,
        limits: {
          maxChunkBytes: LIMITS.maxChunkBytes,
          burstMs: LIMITS.burstMs,
          maxUnfinished: LIMITS.maxUnfinished,
          outboxTtlMs: LIMITS.outboxTtlMs,
        },
      },
      replayed: resume ? await deps.results.waiting(session.id) : 0,
    },
  }
}

/** Runs once the answer is on its way: nothing is told before it. */
function begin({ log }: ConnectionDeps, live: LiveSession): void {
  live.start().catch((error: unknown) => log.warn({ err: error }, 'session not begun'))
}

function parse<Schema extends z.ZodType>(schema: Schema, payload: unknown): z.output<Schema> {
  const parsed = schema.safeParse(payload)
  if (!parsed.success) throw new LinguaError('bad_request', faultsOf(parsed.error))
  return parsed.data
}

function checkBytes(bytes: unknown): Buffer {
  if (!Buffer.isBuffer(bytes)) throw new LinguaError('bad_request', 'audio must be binary')
  if (bytes.length > LIMITS.maxChunkBytes || bytes.length % 2 !== 0 || bytes.length === 0)
    throw new LinguaError('chunk_too_large', undefined, {
      details: { maxChunkBytes: LIMITS.maxChunkBytes, bytes: bytes.length },
    })
  return bytes
}
