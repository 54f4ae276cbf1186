import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { findRedisServer, startRedisServer } from '../../src/platform/redis-server.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { expect, test as base } from '../support/fleet.ts'
import { listen } from '../support/listen.ts'

/** A Redis of the test's own: it can be stopped without stopping the others. */
const test = base.extend('redis', async ({}, { onCleanup }) => {
  const dir = await mkdtemp(join(tmpdir(), 'redis-'))
  const settings = ['port 0', 'unixsocket redis.sock', 'save ""', 'appendonly no', 'hz 100']
  const server = await startRedisServer({ program: await findRedisServer(), dir, settings })
  if (!server) throw new Error(`${dir} is new, yet another server holds it`)
  onCleanup(async () => {
    server.kill('SIGKILL')
    await server.ended
    await rm(dir, { recursive: true, force: true })
  })
  return {
    url: join(dir, 'redis.sock'),
    kill: (signal: NodeJS.Signals) => process.kill(server.pid, signal),
  }
})

const SESSIONS = 4
const EACH = 12
const AT_WORK_MS = 400

test.for([2000, 5000])(
  'a Redis that stands still for %i ms under a busy fleet fences no node and discards no result',
  async (ms, { fleet, redis }) => {
    const env = { REDIS_URL: redis.url }
    const schedulers = [await fleet.scheduler(env), await fleet.scheduler(env)]
    for (const id of ['n1', 'n2', 'n3']) await fleet.node(id, env)
    const talks = await Promise.all(
      Array.from({ length: SESSIONS }, async (_, i) => {
        const session = await fleet.client(i % 2 === 0 ? schedulers : schedulers.toReversed())
        const started: string[] = []
        session.on('progress', ({ stage, index, attempt }) => {
          if (stage === 'started') started.push(`${index}.${attempt}`)
        })
        return { session, heard: listen(session), started }
      }),
    )
    const spoken = talks.map(async ({ session }) => {
      for (let i = 0; i < EACH; i += 1) {
        session.append(scriptedAudio({ text: `${i}`, recognizeMs: AT_WORK_MS }))
        await session.commit()
      }
    })
    await Promise.all(talks.map(({ heard }) => heard.final(0)))
    redis.kill('SIGSTOP')
    // Not a wait for anything: the outage itself.
    await pause(ms)
    redis.kill('SIGCONT')
    await Promise.all(spoken)
    const finals = await Promise.all(talks.map(({ heard }) => heard.finals(EACH)))
    expect(new Set(finals.flat().map(({ outcome }) => outcome))).toEqual(new Set(['translated']))
    // An attempt that never began has no result to lose: of those that did, each gave its utterance's.
    for (const [i, { started }] of talks.entries()) {
      const gave = finals[i]?.map(({ index, attempts }) => `${index}.${attempts}`)
      expect(started.filter((attempt) => !gave?.includes(attempt))).toEqual([])
    }
    for (const { log } of schedulers)
      expect(await readFile(log, 'utf8')).not.toContain('node fenced')
  },
)
