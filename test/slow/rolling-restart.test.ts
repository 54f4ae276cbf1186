import type { Part } from '../../src/tools/processes.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { expect, test } from '../support/fleet.ts'
import { listen } from '../support/listen.ts'
import { RawClient } from '../support/raw-client.ts'

const TALKERS = 6

const ask = async (part: Part, path: string) => {
  const response = await fetch(`${part.ready.url}${path}`)
  return { status: response.status, text: await response.text() }
}
const portOf = ({ ready }: Part): string => new URL(ready.url ?? '').port

test(
  'a rolling restart under load loses nothing, and takes no session behind its mark',
  { timeout: 90_000 },
  async ({ fleet }) => {
    const schedulers = [await fleet.scheduler(), await fleet.scheduler()]
    for (const id of ['n1', 'n2']) await fleet.node(id)
    const stop = new AbortController()
    const talks = await Promise.all(
      Array.from({ length: TALKERS }, async (_, i) => {
        const session = await fleet.client(i % 2 === 0 ? schedulers : schedulers.toReversed())
        const heard = listen(session)
        const talking = (async () => {
          let said = 0
          for (; !stop.signal.aborted; said += 1) {
            session.append(scriptedAudio({ text: `${said}`, recognizeMs: 100 }))
            await session.commit()
            await heard.finals(said - 2)
          }
          return said
        })()
        return { session, heard, talking }
      }),
    )
    for (const [i, old] of schedulers.entries()) {
      await Promise.all(talks.map(({ heard }) => heard.finals(heard.results.length + 3)))
      const held = Array.from({ length: 4 }, () => new RawClient(old.ready.url ?? ''))
      const grants = await Promise.all(held.map((client) => client.grant()))
      const idle = new RawClient(old.ready.url ?? '')
      await idle.until(() => idle.socket.connected)
      const began = performance.now()
      old.kill('SIGTERM')
      await Promise.all(held.map((client) => client.until(() => client.goaways.length > 0)))
      const left = held.map(({ goaways }) => goaways[0] ?? NaN)
      expect(Math.max(...left) - Math.min(...left)).toBeGreaterThan(150)
      expect(await ask(old, '/readyz')).toEqual({ status: 503, text: 'draining\n' })
      expect(await ask(old, '/healthz')).toMatchObject({ status: 200 })
      const draining = { ok: false, error: { code: 'draining' } }
      expect(await idle.start()).toMatchObject(draining)
      const resume = {
        ...{ sessionId: grants[0]?.id, token: grants[0]?.resumeToken },
        ...{ lastSeq: 0, lastIndex: -1, ackedChunk: -1, firstChunk: 0 },
      }
      expect(await idle.start({ resume })).toMatchObject(draining)
      const refused = new RawClient(old.ready.url ?? '')
      const why = new Promise((resolve) => void refused.socket.once('connect_error', resolve))
      expect(await why).toMatchObject({ data: { code: 'draining' } })
      await old.ended
      expect(performance.now() - began).toBeLessThan(8000)
      schedulers[i] = await fleet.scheduler({ PORT: portOf(old) })
      for (const client of [...held, idle, refused]) client.leave()
    }
    await Promise.all(talks.map(({ heard }) => heard.finals(heard.results.length + 3)))
    stop.abort()
    for (const { session, heard, talking } of talks) {
      const said = await talking
      expect(await session.close()).toEqual({ lastIndex: said - 1, unfinished: 0 })
      expect(
        heard.results.map((result) => [result.seq, 'transcript' in result && result.transcript]),
      ).toEqual(Array.from({ length: said }, (_, n) => [n + 1, `${n}`]))
    }
  },
)
