import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog } from '../../src/platform/log.ts'
import { openStore, type Store } from '../../src/platform/redis.ts'
import { findRedisServer, startRedisServer } from '../../src/platform/redis-server.ts'
import { gatewayId } from '../../src/protocol/ids.ts'
import { createRooms, describeNode, expect, test as base, type Rooms } from './rooms.ts'

/** A server of its own: forgetting scripts would disturb everybody else. */
const test = base.extend('own', async ({ prefix }, { onCleanup }): Promise<Store> => {
  const dir = await mkdtemp(join(tmpdir(), 'redis-'))
  const settings = ['port 0', 'unixsocket redis.sock', 'save ""', 'appendonly no']
  const server = await startRedisServer({ program: await findRedisServer(), dir, settings })
  const url = join(dir, 'redis.sock')
  const log = createLog('silent', 'test')
  const store = await openStore({ url, audioUrl: undefined, prefix, name: 'test', log })
  onCleanup(async () => {
    await store.close()
    server?.kill()
    await server?.ended
    await rm(dir, { recursive: true, force: true })
  })
  return store
})

/** One session from its start to its end, by every script there is; answers what each said. */
async function live(rooms: Rooms, before: () => Promise<unknown>): Promise<unknown[]> {
  const { session: sessions, audio, completion, fleet } = rooms
  const said: unknown[] = []
  const say = async <T>(step: () => Promise<T>): Promise<T> => {
    await before()
    const answer = await step()
    said.push(answer)
    return answer
  }
  const session = await say(() => rooms.begin())
  const at = { session, epoch: 2, lifeMs: 60_000 }
  await say(() =>
    sessions.resumeSession({
      session,
      gateway: gatewayId('g2'),
      tokenHash: 't1',
      nextTokenHash: 't2',
      subject: 'me',
    }),
  )
  await say(() => sessions.touchSession({ ...at, isUsed: true }))
  await say(() => audio.openAudio(at))
  await say(() => audio.appendAudio({ ...at, chunk: 0, bytes: Buffer.from('aa') }))
  await say(() => audio.cutAudio({ ...at, reason: 'manual', at: { through: 0 } }))
  const { incarnation } = await say(() => fleet.registerNode(describeNode('a')))
  const life = await rooms.ready('a')
  await say(() => rooms.beat(life))
  const { n } = await say(() => rooms.place(session, 0))
  const attempt = { session, index: 0, n, ...life }
  await say(() => rooms.routing.confirmAttempt(attempt))
  await say(() =>
    rooms.progress.progress({ session, index: 0, attempt: n, stage: 'started', budgetMs: 1000 }),
  )
  await say(() => rooms.settle(session, 0, n))
  await say(() => rooms.settle(session, 2))
  rooms.time.now += 5000
  await say(() => completion.markGap({ session, headWaitMs: 5000 }))
  await say(() => rooms.tick())
  await say(() => fleet.drainNode(life.node))
  await say(() => fleet.leaveFleet(life))
  const close = { session, epoch: 2, lastIndex: 0, reason: 'close', lifeMs: 600_000 }
  await say(() => sessions.closeSession({ ...close, state: 'closed' }))
  await say(() => sessions.takeOrphan({ session, windowMs: 0, againMs: 0 }))
  const text = JSON.stringify(said)
  return JSON.parse(text.replaceAll(incarnation, 'life').replaceAll(life.incarnation, 'life'))
}

test('every script runs though Redis has forgotten it just before', async ({ own, store }) => {
  const told = await live(createRooms(store), async () => {})
  const forgetful = createRooms(own)
  expect(await live(forgetful, () => own.control.script('FLUSH'))).toEqual(told)
})

test('chunks sent in one go survive that Redis forgets the scripts between them', async ({
  own,
}) => {
  const rooms = createRooms(own)
  const session = await rooms.begin()
  const at = { session, epoch: 1, lifeMs: 60_000 }
  await rooms.audio.openAudio(at)
  const append = (chunk: number) =>
    rooms.audio.appendAudio({ ...at, chunk, bytes: Buffer.from(`${chunk % 10}`) })
  await append(0)
  await own.control.script('FLUSH')
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => append(i + 1)))
  expect(answers.at(-1)).toMatchObject({ kind: 'stored', nextChunk: 21 })
  expect(await own.audio.get(own.audioKeys.segment(session, 0))).toBe('012345678901234567890')
})

test('a word that no script may answer is an error', async ({ store }) => {
  const rooms = createRooms(store)
  const lie = createRooms({ ...store, call: async () => Promise.resolve(['maybe']) })
  const session = await rooms.begin()
  await expect(lie.settle(session, 0)).rejects.toThrow('maybe')
})

/** Deleted by whoever owns them: the registry, the watch, the outcome. */
const OWNED =
  /:(nodes|pairs|waiting|fencing|clock|sessions|heads|deadlines|(node|profile|pair|slots|waiting):.*)$/

test('every key has a life, or an owner that deletes it', async ({ store, prefix }) => {
  const rooms = createRooms(store)
  await live(rooms, async () => {})
  const session = await rooms.begin('more')
  await rooms.route(session, 0)
  await rooms.ready('b')
  await rooms.place(session, 1, { home: 'bind' })
  await rooms.place(session, 2)
  await rooms.settle(session, 4)
  const bare = prefix.replaceAll(/[{}]/g, '')
  const names = await Promise.all(
    [`${prefix}:*`, `${bare}:audio:*`].map((glob) => store.control.keys(glob)),
  )
  expect(names[1]).not.toEqual([])
  for (const name of names.flat())
    if (!OWNED.test(name)) expect(await store.control.pttl(name), name).toBeGreaterThan(0)
})

test('a fleet that went home leaves nothing behind but records that expire', async ({
  store,
  prefix,
}) => {
  const rooms = createRooms(store)
  const session = await rooms.begin()
  const lives = [await rooms.ready('a'), await rooms.ready('b', { capacity: 4 })]
  for (let index = 0; index < 10; index += 1) await rooms.route(session, index)
  for (let index = 0; index < 10; index += 1) await rooms.settle(session, index)
  for (const life of lives) await rooms.fleet.leaveFleet(life)
  const left = await store.control.keys(`${prefix}:*`)
  const owned = left.map((name) => name.slice(prefix.length)).filter((name) => OWNED.test(name))
  expect(owned.toSorted()).toEqual([':clock', ':fencing', ':node:a', ':node:b', ':sessions'])
})
