import type { Redis } from 'ioredis'
import { io } from 'socket.io-client'
import { NAMESPACE } from '../../src/protocol/events.ts'
import { LIMITS } from '../../src/platform/limits.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { listen } from '../support/listen.ts'
import { expect, test } from '../support/test.ts'

const UTTERANCES = 10_000

/** The keys of a session but for the history of its jobs, which BullMQ keeps for a while, and their records. */
async function keysOf(redis: Redis, session: string): Promise<readonly string[]> {
  const found: string[] = []
  for await (const keys of redis.scanStream({ match: `*${session}*`, count: 1000 }))
    found.push(...keys)
  return found.filter((key) => !/:(utterances|node-[^:]+|attempt):/.test(key))
}

test(
  'a client that never acknowledges is told, closed, and harms nobody else',
  { timeout: 60_000 },
  async ({ world, store }) => {
    const scheduler = await world.scheduler()
    await world.node({ LINGUA_NODE_CAPACITY: '16' })
    const deaf = io(`${scheduler.url}${NAMESPACE}`, {
      transports: ['websocket'],
      reconnection: false,
    })
    const { session } = await deaf.emitWithAck('session.start', {
      source: 'en',
      target: 'es',
      endpointing: { mode: 'manual' },
    })
    const told = new Promise((resolve) => void deaf.once('session.error', resolve))
    const closed = new Promise((resolve) => void deaf.once('session.closed', resolve))
    const audio = scriptedAudio({ text: 'unheard' })
    let results = 0
    let allHeard = (): void => {}
    deaf.on('result', () => {
      results += 1
      if (results % 8 === 0) allHeard()
    })
    const say = (chunk: number): void => {
      deaf.emit('audio.append', chunk, audio)
      deaf.emit('utterance.commit', { through: chunk }, () => {})
    }
    for (let chunk = 0; chunk < LIMITS.maxOutbox; chunk += 1) {
      const heard = new Promise<void>((resolve) => void (allHeard = resolve))
      say(chunk)
      // No more may be unfinished at a time; the last results may come behind the close, to nobody.
      if (chunk % 8 === 7) await Promise.race([heard, closed])
    }
    // It goes on as if nothing had been said.
    for (let chunk = LIMITS.maxOutbox; chunk < UTTERANCES; chunk += 1) say(chunk)
    const other = await world.client(scheduler)
    const heard = listen(other)
    other.append(scriptedAudio({ text: 'as ever' }))
    await other.commit()
    expect(await heard.final(0)).toMatchObject({ outcome: 'translated' })
    expect(await told).toMatchObject({ code: 'slow_consumer', fatal: true })
    expect(await closed).toEqual({ reason: 'slow_consumer' })
    expect(await store.control.xlen(store.keys.outbox(session.id))).toBeGreaterThanOrEqual(
      LIMITS.maxOutbox,
    )
    expect(await store.control.xlen(store.keys.outbox(session.id))).toBeLessThan(
      LIMITS.maxOutbox + 100,
    )
    // The audio of what was settled stays for ten seconds.
    const left = async () => (await keysOf(store.control, session.id)).length
    await expect.poll(left, { timeout: 15_000 }).toBeLessThan(30)
    deaf.disconnect()
  },
)
