import { once } from 'node:events'
import { createServer } from 'node:http'
import { Queue, QueueEvents, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import { inject } from 'vitest'
import { createScriptedEngine, scriptedAudio } from '../../workers/engines/scripted.ts'
import { listen } from '../support/listen.ts'
import { expect, test, type World } from '../support/test.ts'

const ROUNDS = 5
const EACH = 40

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** The floor: a worker's return, QueueEvents in the scheduler, a bare emit. One round in ms each. */
async function createFloor(prefix: string, undo: (() => Promise<unknown>)[]) {
  const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null })
  let returnedAt = 0
  const queue = new Queue('floor', { connection, prefix })
  const events = new QueueEvents('floor', { connection, prefix })
  const worker = new Worker(
    'floor',
    async () => {
      returnedAt = performance.now()
      return Promise.resolve({ text: 'hello' })
    },
    { connection, prefix },
  )
  await Promise.all([events.waitUntilReady(), worker.waitUntilReady()])
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  const server = new Server(http, { transports: ['websocket'] })
  const address = http.address()
  const port = typeof address === 'object' ? address?.port : 0
  const client = io(`http://127.0.0.1:${port}`, { transports: ['websocket'] })
  await new Promise<void>((resolve) => void client.once('connect', () => resolve()))
  events.on('completed', ({ returnvalue }) => void server.emit('result', returnvalue))
  undo.push(async () => {
    client.disconnect()
    await server.close()
    await Promise.all([worker.close(), events.close(), queue.close()])
    await connection.quit()
  })
  return async (): Promise<number> => {
    const heard = new Promise<void>((resolve) => void client.once('result', () => resolve()))
    await queue.add('job', {})
    await heard
    return performance.now() - returnedAt
  }
}

/** LinguaMQ: from the return of the engine's last stage to the result at the client. */
async function createSystem(world: World) {
  const scheduler = await world.scheduler()
  const scripted = createScriptedEngine({ node: 'n1', pairs: ['en>es'] })
  let returnedAt = 0
  await world.node(
    { LINGUA_NODE_ID: 'n1' },
    {
      ...scripted,
      begin(utterance) {
        const stages = scripted.begin(utterance)
        return {
          ...stages,
          async translate(text, source) {
            const translation = await stages.translate(text, source)
            returnedAt = performance.now()
            return translation
          },
        }
      },
    },
  )
  const session = await world.client(scheduler)
  const heard = listen(session)
  let index = 0
  return async (): Promise<number> => {
    session.append(scriptedAudio({ text: 'hello' }))
    const [result] = await Promise.all([heard.final(index), session.commit()])
    index += 1
    expect(result.outcome).toBe('translated')
    return performance.now() - returnedAt
  }
}

test('a result reaches its client within 2.8 times of QueueEvents and a bare emit', async ({
  world,
  prefix,
}) => {
  const undo: (() => Promise<unknown>)[] = []
  const sides = { floor: await createFloor(prefix, undo), system: await createSystem(world) }
  const took: Record<keyof typeof sides, number[]> = { floor: [], system: [] }
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const side of ['floor', 'system'] as const)
      for (let i = 0; i < EACH; i += 1) {
        const ms = await sides[side]()
        if (round > 0) took[side].push(ms)
      }
  const [floor, system] = [median(took.floor), median(took.system)]
  console.log(
    `floor ${floor.toFixed(2)} ms, system ${system.toFixed(2)} ms: ${(system / floor).toFixed(2)}x`,
  )
  for (const step of undo.toReversed()) await step()
  expect(system / floor).toBeLessThan(2.8)
})
