import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { HonoAdapter } from '@bull-board/hono'
import { serveStatic } from '@hono/node-server/serve-static'
import { Queue } from 'bullmq'
import { Hono } from 'hono'
import type { Redis } from 'ioredis'
import type { Log } from '../src/platform/log.ts'
import { UTTERANCES } from '../src/protocol/jobs.ts'

const POLL_S = 10

export interface BoardDeps {
  readonly redis: Redis
  /** BullMQ's prefix. */
  readonly prefix: string
  /** Where it is mounted, such as `/queues`. */
  readonly path: string
  /** Whether jobs and queues may be changed; otherwise every change is answered 405. */
  readonly write: boolean
  readonly log: Log
}

export interface Board {
  readonly app: Hono
  /** Lists `utterances` and exactly these queues from the next request on. */
  show(nodeQueues: readonly string[]): Promise<void>
  close(): Promise<void>
}

/** Bull Board over queues that are opened for reading: opening or listing one never creates it. */
export function createBoard({ redis, prefix, path, write, log }: BoardDeps): Board {
  const adapter = new HonoAdapter(serveStatic)
  adapter.setBasePath(path)
  const board = createBullBoard({
    queues: [],
    serverAdapter: adapter,
    options: {
      uiConfig: {
        boardTitle: 'LinguaMQ',
        // Otherwise the board sends one CLIENT LIST for each queue on each poll.
        showWorkers: false,
        pollingInterval: { showSetting: false, forceInterval: POLL_S },
        miscLinks: [{ text: 'Fleet', url: '/' }],
        hideDocsLink: true,
      },
    },
  })
  const shown = new Map<string, Queue>()
  const add = (name: string): void => {
    // A queue that writes its metadata would bring one back that was obliterated.
    const options = { connection: redis, prefix, skipMetasUpdate: true, skipVersionCheck: true }
    const queue = new Queue(name, options)
    queue.on('error', (error) => log.debug({ err: error, queue: name }, 'queue connection'))
    shown.set(name, queue)
    board.addQueue(new BullMQAdapter(queue, { readOnlyMode: !write }))
  }
  const remove = async (name: string): Promise<void> => {
    board.removeQueue(name)
    const queue = shown.get(name)
    shown.delete(name)
    await queue?.close()
  }
  add(UTTERANCES)
  return {
    app: guard(adapter.registerPlugin(), write),
    async show(nodeQueues) {
      const wanted = new Set([UTTERANCES, ...nodeQueues])
      for (const name of wanted) if (!shown.has(name)) add(name)
      await Promise.all([...shown.keys()].filter((name) => !wanted.has(name)).map(remove))
    },
    async close() {
      await Promise.all([...shown.keys()].map(remove))
    },
  }
}

/** Read-only adapters hide the buttons and refuse most changes; this refuses all. */
function guard(board: Hono, write: boolean): Hono {
  if (write) return board
  const app = new Hono()
  app.use(async (context, next) => {
    if (['GET', 'HEAD'].includes(context.req.method)) return next()
    return context.json({ error: 'Read-only: LINGUA_DASHBOARD_WRITE is not 1.' }, 405)
  })
  return app.route('/', board)
}
