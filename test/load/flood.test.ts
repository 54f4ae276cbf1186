import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { Part } from '../../src/tools/processes.ts'
import { NAMESPACE } from '../../src/protocol/events.ts'
import { expect, test } from '../support/fleet.ts'
import { RawClient } from '../support/raw-client.ts'

const SESSIONS = 50
const SPEED = 20
const FLOOD_MS = 20_000
const CHUNK_MS = 100
const CHUNK = Buffer.alloc(3200, 1)

async function residentMB({ ready }: Part): Promise<number> {
  const text = await (await fetch(`${ready.url}/metrics`)).text()
  return Number(/^linguamq_process_resident_memory_bytes (\d+)/m.exec(text)?.[1]) / 2 ** 20
}

/** Speaks at the pace of speech and answers how long each chunk's acknowledgement took, ms. */
async function speak(client: RawClient, from: number, stop: AbortSignal): Promise<number[]> {
  const sentAt: number[] = []
  const ackMs: number[] = []
  const note = ({ chunk }: { readonly chunk: number }): void => {
    while (ackMs.length + from <= chunk)
      ackMs.push(performance.now() - (sentAt[ackMs.length] ?? NaN))
  }
  client.socket.on('audio.ack', note)
  const began = performance.now()
  while (!stop.aborted) {
    client.append(from + sentAt.length, CHUNK)
    sentAt.push(performance.now())
    await pause(Math.max(0, began + sentAt.length * CHUNK_MS - performance.now()))
  }
  await client.until(() => client.acked === from + sentAt.length - 1)
  client.socket.off('audio.ack', note)
  return ackMs.toSorted((a, b) => a - b)
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.floor(sorted.length * q)] ?? NaN

test(
  'a flood of fifty sessions costs little memory, few keys, and nobody else their pace',
  { timeout: 120_000 },
  async ({ fleet, store }) => {
    // No test of leases: the flood takes the processor from everybody on this machine.
    const patient = { LINGUA_NODE_LEASE_MS: '20000' }
    const scheduler = await fleet.scheduler(patient)
    await fleet.node('n1', patient)
    const honest = new RawClient(scheduler.ready.url ?? '')
    await honest.grant({ source: 'en', target: 'es', endpointing: { mode: 'manual' } })
    const flooder = fork(new URL('flooder.mjs', import.meta.url), {
      env: {
        FLOOD_URL: `${scheduler.ready.url}${NAMESPACE}`,
        FLOOD_SESSIONS: String(SESSIONS),
        FLOOD_SPEED: String(SPEED),
        FLOOD_MS: String(FLOOD_MS),
      },
    })
    await once(flooder, 'message')
    const quiet = await speak(honest, 0, AbortSignal.timeout(3000))
    const idleMB = await residentMB(scheduler)
    const idleKeys = await store.control.dbsize()
    const flooded = once(flooder, 'message')
    const over = new AbortController()
    const spoken = speak(honest, honest.acked + 1, over.signal)
    flooder.send('begin')
    let worstMB = 0
    const [counts] = await Promise.race([
      flooded,
      (async () => {
        while (!over.signal.aborted) {
          worstMB = Math.max(worstMB, await residentMB(scheduler))
          await pause(200)
        }
        return [undefined]
      })(),
    ]).finally(() => over.abort())
    const loud = await spoken
    const keys = (await store.control.dbsize()) - idleKeys
    console.log(
      `flood: ${JSON.stringify(counts)}; RSS ${idleMB.toFixed(0)} -> ${worstMB.toFixed(0)} MB; ` +
        `${keys} keys more; ack p50 ${quantile(quiet, 0.5).toFixed(0)} -> ${quantile(loud, 0.5).toFixed(0)} ms, ` +
        `p99 ${quantile(quiet, 0.99).toFixed(0)} -> ${quantile(loud, 0.99).toFixed(0)} ms`,
    )
    expect(counts.cutOff).toBeGreaterThan(0)
    expect(worstMB - idleMB).toBeLessThan(100)
    expect(keys).toBeLessThan(counts.sessions * 40)
    expect(quantile(loud, 0.99)).toBeLessThan(quantile(quiet, 0.99) + 1000)
    expect(honest.errors).toEqual([])
    honest.leave()
    await once(flooder, 'exit')
  },
)
