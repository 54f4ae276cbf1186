import { LinguaError } from '../protocol/codes.ts'
import type {
  Finalized,
  Progress,
  Result,
  ResumeRequest,
  ServerEvents,
  SessionGrant,
  StartRequest,
} from '../protocol/events.ts'
import { Alarms } from './alarms.ts'
import { Inbox } from './inbox.ts'
import { errorFromWire, openLink, type Link, type LinkHandlers } from './link.ts'
import { Listeners } from './listeners.ts'
import { Outgoing } from './outgoing.ts'
import { isPassing } from './requests.ts'

const DEFAULT_SAMPLE_RATE = 16_000
const START_ROUNDS = 3
const BACKOFF_MS = 100
const MAX_BACKOFF_MS = 5_000
const CLOSE_GRACE_MS = 1_000
/** Resume tokens that are kept: a store that came back older may know only one before the last. */
const KEPT_TOKENS = 4
/** Stands for the chunk before the first: what comes after it waits for no audio. */
const NO_CHUNK = -1

type Payload<E extends keyof ServerEvents> = Parameters<ServerEvents[E]>[0]

export interface CloseAnswer {
  /** The last utterance's index, null if there was none. */
  readonly lastIndex: number | null
  /** Utterances without a result at the drain deadline. */
  readonly unfinished: number
}

/** How a session ended: `error` is there unless it was closed by either side in good order. */
export interface Closed {
  readonly reason: string
  readonly error?: LinguaError | undefined
}

/** What a session tells; `closed` comes once and last. */
export interface SessionEvents {
  readonly finalized: Finalized
  readonly progress: Progress
  /** Each once, in the order of `seq`. */
  readonly result: Result
  /** A refusal. Those that pass are mended by the session itself: it sends again in time. */
  readonly error: LinguaError
  readonly backpressure: Payload<'session.backpressure'>
  readonly lost: Payload<'audio.lost'>
  readonly goaway: Payload<'session.goaway'>
  readonly superseded: Payload<'session.superseded'>
  readonly closed: Closed
}

export interface SessionOptions {
  readonly urls: readonly string[]
  readonly token: string | undefined
  readonly start: StartRequest
}

/**
 * One session, whatever becomes of its connections.
 *
 *   starting --granted--> live --link lost, goaway--> away --resumed--> live
 *   starting --refused, or nobody there for three rounds--> ended
 *   live, away --close answered, closed by the server, superseded, fatal error--> ended
 *   away --nobody there for as long as the server keeps results--> ended
 *
 * Audio and requests are taken in `live` and `away` alike; what the server has not confirmed when a
 * link is lost is sent again after the resume.
 */
export class Session {
  /** Resolves when the session is granted, rejects with the reason when it is not. */
  readonly opened: Promise<void>
  readonly #options: SessionOptions
  readonly #alarms = new Alarms<'dial' | 'giveUp' | 'ack' | 'goaway' | 'closed'>()
  readonly #listeners = new Listeners<SessionEvents>()
  readonly #inbox = new Inbox()
  readonly #outgoing: Outgoing
  readonly #handlers = this.#createHandlers()
  #settle: { granted: () => void; refused: (error: LinguaError) => void } | undefined
  #state: 'starting' | 'live' | 'away' | 'ended' = 'starting'
  #link: Link | undefined
  #grant: SessionGrant | undefined
  /** Newest first. */
  #tokens: readonly string[] = []
  #closing: Promise<CloseAnswer> | undefined
  #end: LinguaError | undefined
  #turn = 0
  #failures = 0

  constructor(options: SessionOptions) {
    this.#options = options
    this.#outgoing = new Outgoing({
      sampleRate: options.start.audio?.sampleRate ?? DEFAULT_SAMPLE_RATE,
      leave: () => this.#moveOn(0),
    })
    this.opened = new Promise((granted, refused) => {
      this.#settle = { granted, refused }
    })
    this.#dial()
  }

  get id(): string {
    return this.#grant?.id ?? ''
  }

  /** Calls `listener` on each such event until the returned function is called. */
  on<E extends keyof SessionEvents>(
    event: E,
    listener: (payload: SessionEvents[E]) => void,
  ): () => void {
    return this.#listeners.on(event, listener)
  }

  /**
   * Takes audio of any length; the bytes are copied. Throws `overloaded` and takes nothing when
   * more than 60 s would be unacknowledged, and the reason of the end once the session has ended.
   */
  append(bytes: Uint8Array): void {
    this.#assertOpen()
    this.#outgoing.append(bytes)
  }

  /** Cuts behind all audio appended so far; resolves with the index, null if nothing was open. */
  async commit(): Promise<number | null> {
    this.#assertOpen()
    const through = this.#outgoing.frameAll()
    const { index } = await this.#outgoing.ask<{ index: number | null }>({
      after: through,
      emit: (wire, answered) =>
        wire.emit('utterance.commit', through === NO_CHUNK ? {} : { through }, answered),
    })
    if (index !== null) this.#inbox.heardOf(index)
    return index
  }

  /** Resolves with true if the utterance was cancelled, false if it already had its outcome. */
  async cancel(index: number): Promise<boolean> {
    this.#assertOpen()
    const { cancelled } = await this.#outgoing.ask<{ cancelled: boolean }>({
      after: NO_CHUNK,
      emit: (wire, answered) => wire.emit('utterance.cancel', { index }, answered),
    })
    return cancelled
  }

  /**
   * What the result `seq` says begins to be played to the speaker: no pause cuts from now on, until it ends or
   * for 30 s. Rejects with `bad_request` if no such result has come.
   */
  async playbackStarted(seq: number): Promise<void> {
    await this.#tellPlayback('playback.started', seq)
  }

  /** It has been played: pauses cut again. */
  async playbackEnded(seq: number): Promise<void> {
    await this.#tellPlayback('playback.ended', seq)
  }

  /** Ends the session; resolves when its last result has come or its drain deadline is over. */
  close(): Promise<CloseAnswer> {
    return (this.#closing ??= this.#close())
  }

  /** Lets go without closing: the session stays where it is and can be resumed while its window lasts. */
  leave(): void {
    this.#finish({ reason: 'left' })
  }

  async #tellPlayback(event: 'playback.started' | 'playback.ended', seq: number): Promise<void> {
    this.#assertOpen()
    await this.#outgoing.ask({
      after: NO_CHUNK,
      emit: (wire, answered) => wire.emit(event, { seq }, answered),
    })
  }

  async #close(): Promise<CloseAnswer> {
    this.#assertOpen()
    const { lastIndex, unfinished } = await this.#outgoing.ask<CloseAnswer>({
      after: this.#outgoing.frameAll(),
      emit: (wire, answered) => wire.emit('session.close', {}, answered),
    })
    this.#finish({ reason: 'client' })
    return { lastIndex, unfinished }
  }

  #assertOpen(): void {
    if (this.#end) throw this.#end
    if (this.#closing)
      throw new LinguaError('bad_request', 'The session is closing and takes nothing more.')
  }

  #dial(): void {
    const { urls, token, start } = this.#options
    this.#link = openLink({
      url: urls[this.#turn % urls.length] ?? '',
      token,
      request: this.#grant ? { resume: this.#resume(this.#grant) } : start,
      handlers: this.#handlers,
    })
  }

  #resume({ id }: SessionGrant): ResumeRequest {
    const { lastSeq, lastIndex } = this.#inbox
    const [token = ''] = this.#tokens
    return { sessionId: id, token, lastSeq, lastIndex, ...this.#outgoing.held }
  }

  #goLive(grant: SessionGrant): void {
    this.#grant = grant
    this.#tokens = [grant.resumeToken, ...this.#tokens].slice(0, KEPT_TOKENS)
    this.#state = 'live'
    this.#failures = 0
    this.#alarms.clear('giveUp')
    this.#settle?.granted()
    if (this.#link && this.#outgoing.attach(this.#link.wire, grant.nextChunk)) return
    const message = `The server expects chunk ${grant.nextChunk}, which is not held any more.`
    this.#finish({ reason: 'lost', error: new LinguaError('lost', message) })
  }

  /** The link was refused or lost: tries another gateway, unless none would answer otherwise. */
  #retry(error: LinguaError): void {
    const { urls } = this.#options
    if (error.code === 'resume_rejected' && this.#tokens.length > 1) {
      this.#tokens = this.#tokens.slice(1)
      return this.#moveOn(0)
    }
    this.#failures += 1
    const isHopeless = this.#state === 'starting' && this.#failures >= START_ROUNDS * urls.length
    if (isHopeless || !(isPassing(error) || error.code === 'internal'))
      return this.#finish({ reason: error.code, error })
    const backoffMs = Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** (this.#failures - 1))
    const leastMs = urls.length === 1 ? (error.retryAfterMs ?? 0) : 0
    this.#moveOn(Math.max(leastMs, Math.random() * backoffMs))
  }

  /** Leaves the link for the next url. */
  #moveOn(afterMs: number): void {
    this.#link?.drop()
    this.#outgoing.detach()
    this.#alarms.clear('goaway')
    this.#turn += 1
    if (this.#state === 'live') {
      this.#state = 'away'
      this.#alarms.set('giveUp', this.#grant?.limits.outboxTtlMs ?? 0, () => this.#giveUp())
    }
    this.#alarms.set('dial', afterMs, () => this.#dial())
  }

  #giveUp(): void {
    const message = 'No gateway took the session back for as long as its results are kept.'
    this.#finish({ reason: 'lost', error: new LinguaError('lost', message) })
  }

  #finish(closed: Closed): void {
    if (this.#end) return
    const message = `The session has ended (${closed.reason}): connect for a new one.`
    this.#end = closed.error ?? new LinguaError('session_not_found', message)
    if (this.#alarms.isSet('ack')) this.#acknowledge()
    this.#state = 'ended'
    this.#alarms.clearAll()
    this.#link?.drop()
    this.#outgoing.end(this.#end)
    this.#settle?.refused(this.#end)
    this.#listeners.emit('closed', closed)
  }

  #createHandlers(): LinkHandlers {
    const tell = this.#listeners
    return {
      opened: (grant) => this.#goLive(grant),
      gone: (error) => this.#retry(error),
      'audio.ack': ({ chunk }) => this.#outgoing.ack(chunk),
      'utterance.finalized': (finalized) => {
        this.#inbox.heardOf(finalized.index)
        tell.emit('finalized', finalized)
      },
      'utterance.progress': (progress) => tell.emit('progress', progress),
      result: (result) => this.#surface(result),
      'session.error': ({ fatal, ...error }) => this.#hearError(errorFromWire(error), fatal),
      'session.backpressure': (advice) => {
        this.#outgoing.heed(advice)
        tell.emit('backpressure', advice)
      },
      'audio.lost': (hole) => tell.emit('lost', hole),
      'session.goaway': (notice) => {
        const waitMs = (Math.random() * notice.graceMs) / 2
        this.#alarms.set('goaway', waitMs, () => this.#moveOn(0))
        tell.emit('goaway', notice)
      },
      'session.superseded': (empty) => this.#hearSuperseded(empty),
      'session.closed': ({ reason }) => this.#hearClosed(reason),
    }
  }

  #surface(result: Result): void {
    const isNew = this.#inbox.take(result)
    if (!this.#alarms.isSet('ack')) this.#alarms.set('ack', 0, () => this.#acknowledge())
    if (isNew) this.#listeners.emit('result', result)
  }

  #acknowledge(): void {
    if (this.#state === 'live') this.#link?.wire.emit('result.ack', { seq: this.#inbox.lastSeq })
  }

  #hearError(error: LinguaError, isFatal: boolean): void {
    const isRefusal = isPassing(error) || error.details?.['expected'] !== undefined
    if (!isFatal && isRefusal) this.#outgoing.goBack(error)
    this.#listeners.emit('error', error)
    if (isFatal) this.#finish({ reason: error.code, error })
  }

  #hearSuperseded(empty: SessionEvents['superseded']): void {
    this.#listeners.emit('superseded', empty)
    const error = new LinguaError('resume_rejected', 'Another connection resumed the session.')
    this.#finish({ reason: 'superseded', error })
  }

  #hearClosed(reason: string): void {
    if (!this.#closing) return this.#finish({ reason })
    // The answer to a close of ours is about to come, and says more.
    this.#alarms.set('closed', CLOSE_GRACE_MS, () => this.#finish({ reason }))
  }
}
