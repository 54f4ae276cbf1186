import { createAudioScripts, createSessionScripts } from '../../lua/session.ts'
import { createSessions } from '../../src/session/sessions.ts'
import { gatewayId } from '../../src/protocol/ids.ts'
import { expect, test } from '../support/store.ts'

const open = async (store: any) => {
  const jobs: any[] = []
  const audio = createAudioScripts({ call: store.callAudio, keys: store.audioKeys })
  let lose = false
  const sessions = createSessions({
    scripts: {
      ...createSessionScripts({ call: store.call, keys: store.keys }),
      ...audio,
      async cutAudio(cut: any) {
        const a = await audio.cutAudio(cut)
        if (lose) {
          lose = false
          throw new Error('Command timed out')
        }
        return a
      },
    },
    audioKeys: store.audioKeys,
    gateway: gatewayId('g'),
    clock: { now: () => now },
    async enqueue(job: any) {
      jobs.push(job.index)
    },
    parseRequest: JSON.parse,
  } as any)
  let now = 0
  const s = await sessions.start(
    { source: 'en', target: 'es', endpointing: { mode: 'gap' } } as any,
    'a',
  )
  return { s: s.session, jobs, lose: () => (lose = true), wait: (ms: number) => (now += ms) }
}
test('a pause cut whose answer was lost is enqueued in the end', async ({ store }) => {
  const { s, jobs, lose, wait } = await open(store)
  await s.append(0, Buffer.alloc(3200))
  wait(600)
  lose()
  await s.tick().catch(() => {})
  await s.tick()
  await s.tick()
  wait(10_000)
  await s.tick()
  expect(jobs).toEqual([0])
})
test('a commit whose answer was lost is enqueued in the end', async ({ store }) => {
  const { s, jobs, lose } = await open(store)
  await s.append(0, Buffer.alloc(3200))
  lose()
  await s.commit(0).catch(() => {})
  expect(await s.commit(0)).toBe(0)
  expect(jobs).toEqual([0])
})
