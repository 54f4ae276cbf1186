import type { Server as HttpServer } from 'node:http'
import { Server, type Namespace } from 'socket.io'
import { LIMITS } from '../platform/limits.ts'
import type { Service } from '../platform/lifecycle.ts'
import type { Log } from '../platform/log.ts'
import { LinguaError } from '../protocol/codes.ts'
import { NAMESPACE, type ClientEvents, type ServerEvents } from '../protocol/events.ts'
import { parseAttemptId, sessionId, type SessionId } from '../protocol/ids.ts'
import { parseNews, type GatewayNews } from '../protocol/news.ts'
import type { Session } from '../session/session.ts'
import { ANONYMOUS, type Authenticate } from './auth.ts'
import { serveConnection, type ConnectionDeps } from './connection.ts'
import { toWireError } from './errors.ts'
import type { LiveSession } from './live-session.ts'
import { createReconcile } from './reconcile.ts'
import type { ClientSocket } from './wire.ts'

export interface GatewayDeps extends Omit<
  ConnectionDeps,
  'opened' | 'lost' | 'used' | 'isDraining' | 'underWay'
> {
  readonly http: HttpServer
  readonly authenticate: Authenticate
  /** Listens for what scripts publish to this gateway. */
  readonly subscribe: (listen: (message: string) => void) => Promise<void>
  /** Says that these are alive, and whether their clients have just used their connections for the first time. */
  readonly touch: (sessions: readonly Session[], isUsed?: boolean) => Promise<Touching>
  readonly touchMs: number
  /** Who is told that Redis may have come back older. */
  readonly onOlder: (tell: () => void) => void
  /** Tells Redis what this gateway knows of a session; false if another connection has it. */
  readonly restore: (session: Session) => Promise<boolean>
  readonly log: Log
}

/** Sessions that are not this gateway's any more, and those that Redis has forgotten. */
export interface Touching {
  readonly superseded: readonly Session[]
  readonly unknown: readonly Session[]
}

export interface Gateway extends Service {
  readonly sessions: number
  readonly isDraining: boolean
  /**
   * From now on it takes no session, new or resumed, and asks each that it has to go elsewhere: not all at
   * once, and all within `graceMs`. `stop` then waits until they have gone.
   */
  drain(graceMs: number): void
}

/** Who has to go is told within this part of the grace: the rest is for going. */
const SPREAD = 4
/** A lost PUBLISH costs at most this long, ms. */
const LOOK_MS = 1000

/** The edge: sockets in front, sessions behind, news from Redis in between. */
export function createGateway(deps: GatewayDeps): Gateway {
  const held = new Map<SessionId, { live: LiveSession; socket: ClientSocket }>()
  const io = new Server<ClientEvents, ServerEvents>(deps.http, {
    transports: ['websocket'],
    serveClient: false,
    maxHttpBufferSize: LIMITS.maxFrameBytes,
    pingInterval: 10_000,
    pingTimeout: 8000,
  })
  const timers: NodeJS.Timeout[] = []
  let draining: { readonly until: number } | undefined
  let emptied = (): void => {}

  const drop = (id: SessionId, live: LiveSession): void => {
    if (held.get(id)?.live === live) held.delete(id)
    if (held.size === 0) emptied()
  }
  const supersede = (id: SessionId, epoch: number): void => {
    const old = held.get(id)
    if (!old || old.live.session.epoch >= epoch) return
    drop(id, old.live)
    old.live.end()
    old.socket.emit('session.superseded', {})
    old.socket.disconnect()
  }
  const overflow = (id: SessionId): void => {
    const slow = held.get(id)
    if (slow) drop(id, slow.live)
    slow?.live.fail(new LinguaError('slow_consumer'))
  }
  const hear = (news: GatewayNews | undefined): void => {
    if (news?.kind === 'wake') held.get(sessionId(news.session))?.live.wake(news.put)
    if (news?.kind === 'overflow') overflow(sessionId(news.session))
    if (news?.kind === 'superseded') supersede(sessionId(news.session), news.epoch)
    if (news?.kind === 'progress') {
      const attempt = parseAttemptId(news.attempt)
      const live = attempt && held.get(attempt.session)?.live
      live?.progress({
        index: attempt?.index ?? 0,
        stage: news.stage,
        ...(news.text !== '' && { text: news.text }),
        attempt: attempt?.n ?? 0,
      })
    }
  }
  const reconcile = createReconcile(deps)
  /** From here on all is in Redis again, and the client comes back with what it knows. */
  const letGo = (id: SessionId, live: LiveSession, socket: ClientSocket): void => {
    if (held.get(id)?.live !== live) return
    drop(id, live)
    reconcile(live, socket)
  }
  const leftMs = (): number => Math.max(0, (draining?.until ?? 0) - deps.clock.now())
  const sendAway = (socket: ClientSocket): void =>
    void socket.emit('session.goaway', { graceMs: Math.round(leftMs()) })
  const connection: ConnectionDeps = {
    ...deps,
    underWay: { ms: 0 },
    isDraining: () => draining !== undefined,
    opened(live, socket) {
      const { id, epoch } = live.session
      supersede(id, epoch)
      held.set(id, { live, socket })
      live.session.onOlder(() => letGo(id, live, socket))
      if (draining) sendAway(socket)
    },
    used({ session, isClosed }) {
      if (isClosed) return
      deps.touch([session], true).catch((error: unknown) => deps.log.debug({ err: error }, 'touch'))
    },
    lost(live) {
      drop(live.session.id, live)
      live.away()
    },
  }
  const touchAll = async (): Promise<void> => {
    const open = [...held.values()].filter(({ live }) => !live.isClosed)
    const { superseded, unknown } = await deps.touch(open.map(({ live }) => live.session))
    for (const { id, epoch } of superseded) supersede(id, epoch + 1)
    for (const { id } of unknown) {
      const known = held.get(id)
      if (known) letGo(id, known.live, known.socket)
    }
  }
  const lookAll = (): void => {
    for (const { live } of held.values()) if (live.unfinished > 0) live.wake()
  }
  /** Resolves when nobody is left, when the grace is over, or at the deadline. */
  const gone = (deadline: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      emptied = resolve
      timers.push(setTimeout(resolve, leftMs()))
      if (deadline.aborted) resolve()
      deadline.addEventListener('abort', () => resolve(), { once: true })
    })
  return {
    name: 'gateway',
    get sessions() {
      return held.size
    },
    async start() {
      await deps.subscribe((message) => hear(parseNews(message)))
      deps.onOlder(() => {
        for (const [id, { live, socket }] of [...held]) letGo(id, live, socket)
      })
      serve(io.of(NAMESPACE), deps, connection)
      timers.push(
        setInterval(
          () => void touchAll().catch((error: unknown) => deps.log.debug({ err: error }, 'touch')),
          deps.touchMs,
        ),
        setInterval(lookAll, LOOK_MS),
      )
    },
    get isDraining() {
      return draining !== undefined
    },
    drain(graceMs) {
      if (draining) return
      draining = { until: deps.clock.now() + graceMs }
      const spreadMs = graceMs / SPREAD / Math.max(1, held.size)
      for (const [i, { socket }] of [...held.values()].entries())
        timers.push(setTimeout(() => sendAway(socket), i * spreadMs))
    },
    async stop(deadline) {
      this.drain(0)
      if (held.size > 0) await gone(deadline)
      timers.forEach((timer) => clearTimeout(timer))
      for (const { live } of held.values()) live.end()
      await io.close()
    },
  }
}

function serve(
  namespace: Namespace<ClientEvents, ServerEvents>,
  { authenticate, log }: GatewayDeps,
  connection: ConnectionDeps,
): void {
  const refuse = (refusal: LinguaError) =>
    Object.assign(new Error(refusal.message), { data: toWireError(refusal) })
  namespace.use((socket, next) => {
    if (connection.isDraining()) return next(refuse(new LinguaError('draining')))
    const { address, headers, auth } = socket.handshake
    authenticate({ address, origin: headers.origin, token: auth['token'] }).then(
      (subject) => {
        socket.data.subject = subject
        next()
      },
      (error: unknown) => {
        const refusal = error instanceof LinguaError ? error : new LinguaError('unauthorized')
        log.info({ code: refusal.code, address }, 'handshake refused')
        next(refuse(refusal))
      },
    )
  })
  namespace.on('connection', (socket) => {
    const subject: unknown = socket.data.subject
    serveConnection(connection, socket, typeof subject === 'string' ? subject : ANONYMOUS)
  })
}
