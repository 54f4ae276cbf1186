import { io } from 'socket.io-client'
import { NAMESPACE, type FinalResult } from '../../src/protocol/events.ts'
import type { Part } from '../../src/tools/processes.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { expect, test } from '../support/fleet.ts'
import { listen } from '../support/listen.ts'

const PRELOAD = new URL('../chaos/preload.mjs', import.meta.url).href

/** Settings of a process that is killed when it has run a script for the n-th time. */
const killedAfter = (script: string, nth: number, when: 'before' | 'after' = 'after') => ({
  NODE_OPTIONS: `--import ${PRELOAD}`,
  CHAOS_STRIKES: JSON.stringify([{ script, when, nth, signal: 'SIGKILL' }]),
})

test.for([
  ['after it settled', 'settle', 'after'],
  ['before it settles', 'settle', 'before'],
  ['after it added the child', 'confirmAttempt', 'before'],
  ['before the parent completes', 'moveToFinished', 'before'],
] as const)(
  'a scheduler killed %s delivers each result once',
  async ([, script, when], { fleet }) => {
    const holder = await fleet.scheduler()
    const doomed = await fleet.scheduler(killedAfter(script, 3, when))
    const dead = new AbortController()
    const death = doomed.ended.then(() => dead.abort())
    await fleet.node('n1')
    const session = await fleet.client([holder])
    const heard = listen(session)
    let said = 0
    for (; !dead.signal.aborted || said < 16; said += 1) {
      session.append(scriptedAudio({ text: `${said}`, recognizeMs: 5 }))
      await session.commit()
      if (said % 8 === 7) await heard.finals(said - 7)
    }
    await death
    const finals = await heard.finals(said)
    expect(finals.map(({ index, transcript }) => `${index}:${transcript}`).toSorted()).toEqual(
      Array.from({ length: said }, (_, i) => `${i}:${i}`).toSorted(),
    )
    expect(heard.results.map(({ seq }) => seq)).toEqual(heard.results.map((_, i) => i + 1))
  },
)

test('a result after 25 s is marked, overtaken after 5 s, and delivered late', async ({
  fleet,
}) => {
  const scheduler = await fleet.scheduler()
  await fleet.node('n1', { LINGUA_NODE_CAPACITY: '8' })
  const session = await fleet.client([scheduler], { speech: true })
  const heard = listen(session)
  const markedAt: number[] = []
  session.on('result', ({ kind }) => kind === 'gap' && void markedAt.push(performance.now()))
  const began = performance.now()
  const slow = { recognizeMs: 9000, translateMs: 8000, synthesizeMs: 8000 }
  session.append(scriptedAudio({ text: '0', ...slow }))
  await session.commit()
  for (let i = 1; i <= 5; i += 1) {
    session.append(scriptedAudio({ text: `${i}`, recognizeMs: 1000 }))
    await session.commit()
  }
  await heard.finals(6)
  expect(heard.results.map(({ index, kind }) => `${kind} ${index}`)).toEqual([
    'gap 0',
    ...[1, 2, 3, 4, 5].map((index) => `final ${index}`),
    'final 0',
  ])
  expect(heard.results.at(-1)).toMatchObject({ late: true, outcome: 'translated', attempts: 1 })
  expect(markedAt[0]! - began).toBeGreaterThan(6000)
  expect(markedAt[0]! - began).toBeLessThan(7500)
})

async function residentMB({ ready }: Part): Promise<number> {
  const text = await (await fetch(`${ready.url}/metrics`)).text()
  return Number(/^linguamq_process_resident_memory_bytes (\d+)/m.exec(text)?.[1]) / 2 ** 20
}

test('a client that stops reading costs the gateway no memory', async ({ fleet }) => {
  const scheduler = await fleet.scheduler()
  await fleet.node('n1', { LINGUA_NODE_CAPACITY: '8' })
  const stuck = io(`${scheduler.ready.url}${NAMESPACE}`, {
    transports: ['websocket'],
    reconnection: false,
  })
  await stuck.emitWithAck('session.start', {
    source: 'en',
    target: 'es',
    endpointing: { mode: 'manual' },
    speech: true,
  })
  const audio = scriptedAudio({ text: 'unread', speechBytes: 200_000 })
  const before = await residentMB(scheduler)
  // The kernel's buffers fill up, then the gateway must hold the rest back.
  const socket = Reflect.get(Reflect.get(stuck.io.engine.transport, 'ws'), '_socket')
  for (let chunk = 0; chunk < 600; chunk += 1) {
    if (chunk === 8) socket.pause()
    stuck.emit('audio.append', chunk, audio)
    stuck.emit('utterance.commit', { through: chunk }, () => {})
  }
  const other = await fleet.client([scheduler])
  const heard = listen(other)
  for (let i = 0; i < 20; i += 1) {
    other.append(scriptedAudio({ text: `${i}` }))
    await other.commit()
  }
  const finals: readonly FinalResult[] = await heard.finals(20)
  expect(finals.every(({ outcome }) => outcome === 'translated')).toBe(true)
  expect((await residentMB(scheduler)) - before).toBeLessThan(60)
  stuck.disconnect()
})
