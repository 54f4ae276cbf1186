import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server, type Socket } from 'socket.io'
import { LinguaError, type ErrorCode } from '../../src/protocol/codes.ts'
import {
  NAMESPACE,
  type Answer,
  type ClientEvents,
  type FinalResult,
  type Result,
  type ResumeRequest,
  type ServerEvents,
  type SessionGrant,
  type StartRequest,
} from '../../src/protocol/events.ts'

export type Peer = Socket<ClientEvents, ServerEvents>
type Emitted = {
  [E in keyof ServerEvents]: [E, ...Parameters<ServerEvents[E]>]
}[keyof ServerEvents]

/** One session as a gateway without Redis would keep it. */
export class SessionRecord {
  readonly id: string
  token: string
  /** What a resume is granted, if it is another token than the one that will be known. */
  granted: string | undefined
  readonly chunks: Uint8Array[] = []
  readonly appended: number[] = []
  commits = 0
  readonly resumes: ResumeRequest[] = []
  readonly results: Result[] = []
  readonly cuts = new Map<number, number>()
  through = -1
  ackedSeq = 0
  isRefusing = false
  isClosed = false

  constructor(id: string) {
    this.id = id
    this.token = `${id}.0`
  }

  /** Cuts behind a chunk; a repeat answers the same index. */
  cut(through: number): { index: number | null; isNew: boolean } {
    const known = this.cuts.get(through)
    if (known !== undefined) return { index: known, isNew: false }
    if (through <= this.through) return { index: null, isNew: false }
    const index = this.cuts.size
    this.cuts.set(through, index)
    this.through = through
    return { index, isNew: true }
  }
}

export const finalResult = (seq: number, index: number): FinalResult => ({
  seq,
  index,
  kind: 'final',
  outcome: 'translated',
  transcript: `utterance ${index}`,
  startMs: 0,
  attempts: 1,
  timings: { audioMs: 1, waitMs: 1, nodeMs: 1, totalMs: 1 },
})

export interface Mischief {
  /** Asked before each message in either direction: true cuts the socket instead. */
  readonly cuts?: (peer: Peer, event: string) => boolean
  /** Asked before a chunk is stored: an error refuses it and all behind it. */
  readonly refuses?: (chunk: number, session: SessionRecord) => LinguaError | undefined
  /** How often each result is sent (1). */
  readonly copies?: number
  /** Refuses the handshake. */
  readonly rejects?: () => LinguaError | undefined
  /** How long results are said to be kept (60 s). */
  readonly outboxTtlMs?: number
  /** Instead of the grant of `session.start`. */
  readonly refusesStart?: () => LinguaError | undefined
}

export interface TinyGateway {
  readonly url: string
  readonly peers: Peer[]
  readonly starts: StartRequest[]
  /** Resolves once a peer has connected after this call. */
  nextPeer(): Promise<Peer>
  close(): Promise<void>
}

/** Speaks the protocol from memory, as truly as the mischief lets it; gateways may share sessions. */
export async function openTinyGateway(
  sessions: Map<string, SessionRecord>,
  mischief: Mischief = {},
): Promise<TinyGateway> {
  const http = createServer()
  const io = new Server<ClientEvents, ServerEvents>(http, { transports: ['websocket'] })
  const peers: Peer[] = []
  const starts: StartRequest[] = []
  const space = io.of(NAMESPACE)
  space.use((_peer, next) => {
    const error = mischief.rejects?.()
    next(error && Object.assign(new Error(error.message), { data: error.toWire() }))
  })
  space.on('connection', (peer: Peer) => {
    peers.push(peer)
    serve({ peer, sessions, starts, mischief })
  })
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    peers,
    starts,
    nextPeer: () => new Promise((resolve) => space.once('connection', resolve)),
    close: () => io.close(),
  }
}

interface Serving {
  readonly peer: Peer
  readonly sessions: Map<string, SessionRecord>
  readonly starts: StartRequest[]
  readonly mischief: Mischief
}

function serve({ peer, sessions, starts, mischief }: Serving): void {
  let session: SessionRecord | undefined
  const isCut = (event: string): boolean => {
    if (peer.disconnected) return true
    if (!mischief.cuts?.(peer, event)) return false
    peer.conn.close(true)
    return true
  }
  const emit = (...[event, ...payload]: Emitted): void => {
    if (!isCut(`<${event}`)) (peer.emit as (...args: unknown[]) => void)(event, ...payload)
  }
  const answer = <T extends object>(ack: (answer: Answer<T>) => void, reply: Answer<T>): void => {
    if (!isCut('<ack')) ack(reply)
  }
  const refusal = (error: LinguaError) => ({ ok: false, error: error.toWire() }) as const
  const refuse = (error: LinguaError): void => {
    if (session) session.isRefusing = true
    emit('session.error', { ...error.toWire(), fatal: false })
  }
  const deliver = (result: Result): void => {
    for (let copy = 0; copy < (mischief.copies ?? 1); copy += 1) emit('result', result)
  }
  const cut = (record: SessionRecord, through: number): number | null => {
    const { index, isNew } = record.cut(through)
    if (index === null || !isNew) return index
    emit('utterance.finalized', { index, reason: 'manual', startMs: 0, durationMs: 1 })
    const result = finalResult(record.results.length + 1, index)
    record.results.push(result)
    deliver(result)
    return index
  }

  peer.use(([event], next) => {
    if (!isCut(`>${event}`)) next()
  })
  peer.on('session.start', (request, ack) => {
    const error = mischief.refusesStart?.()
    if (error) return answer(ack, refusal(error))
    if ('resume' in request) {
      const record = sessions.get(request.resume.sessionId)
      if (record?.token !== request.resume.token) return answer(ack, refusal(gone()))
      record.resumes.push(request.resume)
      session = record
    } else {
      starts.push(request)
      session = new SessionRecord(`s${sessions.size}`)
      sessions.set(session.id, session)
    }
    session.isRefusing = false
    const seen = 'resume' in request ? request.resume.lastSeq : 0
    const missed = session.results.filter(({ seq }) => seq > seen)
    answer(ack, { ok: true, session: grantOf(session, mischief), replayed: missed.length })
    for (const result of missed) deliver(result)
  })
  peer.on('audio.append', (chunk, bytes) => {
    if (!session) return
    session.appended.push(chunk)
    const { length } = session.chunks
    if (chunk < length && Buffer.compare(session.chunks[chunk] ?? bytes, bytes) !== 0)
      throw new Error(`chunk ${chunk} came again with other bytes`)
    if (chunk > length) {
      if (!session.isRefusing) refuse(expecting('chunk_gap', length))
      return
    }
    const error = chunk === length ? mischief.refuses?.(chunk, session) : undefined
    if (error) return refuse(error)
    session.isRefusing = false
    if (chunk === length) session.chunks.push(bytes)
    emit('audio.ack', { chunk: session.chunks.length - 1 })
  })
  peer.on('utterance.commit', ({ through }, ack) => {
    if (!session) return
    session.commits += 1
    const { length } = session.chunks
    if (through !== undefined && through >= length)
      return answer(ack, refusal(expecting('chunk_gap', length)))
    answer(ack, { ok: true, index: cut(session, through ?? length - 1) })
  })
  peer.on('utterance.cancel', ({ index }, ack) => {
    const isDone = session?.results.some((result) => result.index === index)
    answer(ack, { ok: true, cancelled: !isDone })
  })
  peer.on('result.ack', ({ seq }) => {
    if (session) session.ackedSeq = Math.max(session.ackedSeq, seq)
  })
  peer.on('session.close', (_empty, ack) => {
    if (!session) return
    cut(session, session.chunks.length - 1)
    session.isClosed = true
    answer(ack, { ok: true, lastIndex: session.cuts.size - 1, unfinished: 0 })
    emit('session.closed', { reason: 'client' })
  })
}

const gone = (): LinguaError => new LinguaError('resume_rejected')

export const expecting = (code: ErrorCode, expected: number, retryAfterMs?: number): LinguaError =>
  new LinguaError(code, undefined, {
    details: { expected },
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })

const grantOf = (session: SessionRecord, { outboxTtlMs = 60_000 }: Mischief): SessionGrant => ({
  id: session.id,
  resumeToken: session.granted ?? session.token,
  nextChunk: session.chunks.length,
  limits: { maxChunkBytes: 262_144, burstMs: 30_000, maxUnfinished: 64, outboxTtlMs },
})
