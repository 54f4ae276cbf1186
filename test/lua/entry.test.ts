import { Queue, Worker } from 'bullmq'
import { childKey, nodeQueue } from '../../lua/keys.ts'
import { UTTERANCES } from '../../src/protocol/jobs.ts'
import { attemptId, jobId, type SessionId } from '../../src/protocol/ids.ts'
import { expect, test, type Rooms } from './rooms.ts'

/** A parent as BullMQ keeps it, and its children by attempt on the queue of a life of a node. */
async function family(rooms: Rooms, undo: (work: () => Promise<void>) => void) {
  const { worker: connection, keys } = rooms.store
  const { prefix } = keys
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  const name = nodeQueue(life.node, life.incarnation)
  const id = jobId(session, 0)
  const parents = new Queue(UTTERANCES, { connection, prefix })
  const children = new Queue(name, { connection, prefix })
  await parents.add('utterance', {}, { jobId: id })
  const worker = new Worker(
    name,
    async ({ data }: { data: { fails?: boolean } }) => {
      if (data.fails) throw new Error('engine_error: no luck')
      return Promise.resolve({ v: 1, text: 'ä "quoted"' })
    },
    { connection, prefix, autorun: false },
  )
  undo(async () => void (await Promise.all([worker.close(), children.close(), parents.close()])))
  return {
    session,
    life,
    key: (n: number) => childKey(prefix, name, attemptId(id, n)),
    add: (n: number, data: object = {}) =>
      children.add('translate', data, {
        jobId: attemptId(id, n),
        parent: { id, queue: `${prefix}:${UTTERANCES}` },
        ignoreDependencyOnFailure: true,
      }),
    run: async (): Promise<void> => {
      const ended = new Promise<void>((resolve) => {
        for (const event of ['completed', 'failed'] as const) worker.once(event, () => resolve())
      })
      worker.run().catch(() => {})
      await ended
    },
  }
}

const read = (rooms: Rooms, session: SessionId) => rooms.routing.readEntry({ session, index: 0 })

test('before its first attempt a parent finds nothing', async ({ rooms }) => {
  const session = await rooms.begin()
  expect(await read(rooms, session)).toEqual({
    n: 0,
    at: undefined,
    child: { kind: 'none' },
    strays: [],
  })
})

test('a parent finds its child at work, then what it returned', async ({
  rooms,
  onTestFinished,
}) => {
  const { session, life, add, run } = await family(rooms, onTestFinished)
  const { n } = await rooms.place(session, 0)
  expect(await read(rooms, session)).toMatchObject({ n, at: life, child: { kind: 'none' } })
  await add(n)
  expect(await read(rooms, session)).toMatchObject({ child: { kind: 'pending' }, strays: [] })
  await run()
  expect(await read(rooms, session)).toEqual({
    n,
    at: life,
    child: { kind: 'returned', value: { v: 1, text: 'ä "quoted"' } },
    strays: [],
  })
})

test('a parent finds why its child failed', async ({ rooms, onTestFinished }) => {
  const { session, add, run } = await family(rooms, onTestFinished)
  const { n } = await rooms.place(session, 0)
  await add(n, { fails: true })
  await run()
  const child = { kind: 'failed', message: 'engine_error: no luck' }
  expect(await read(rooms, session)).toMatchObject({ n, child, strays: [] })
})

test('what an earlier attempt left is no result, and a child of it a stray', async ({
  rooms,
  onTestFinished,
}) => {
  const { session, add, run, key } = await family(rooms, onTestFinished)
  const { n } = await rooms.place(session, 0)
  await add(n)
  await run()
  await rooms.ready('b')
  await rooms.place(session, 0, { ended: n })
  await add(n + 7)
  expect(await read(rooms, session)).toEqual({
    n: n + 1,
    at: expect.objectContaining({ node: 'b' }),
    child: { kind: 'none' },
    strays: [key(n + 7)],
  })
})

test('the child of an attempt that has ended is nothing to wait for', async ({
  rooms,
  onTestFinished,
}) => {
  const { session, add } = await family(rooms, onTestFinished)
  const { n } = await rooms.place(session, 0)
  await add(n)
  await rooms.settle(session, 0, n)
  expect(await read(rooms, session)).toMatchObject({ n, child: { kind: 'none' }, strays: [] })
})
