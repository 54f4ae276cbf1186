import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test, vi } from 'vitest'
import { entryOf } from '../../src/platform/entry.ts'
import { descendantsOf, isBusy, isRunning } from '../support/processes.ts'
import { lacks } from '../support/real-engines.ts'

const engine = entryOf(import.meta.url, '../../workers/engines/local.ts').href
const incomplete = lacks('pocketsphinx', 'recordings', 'apertium', 'espeak')

/** Opens the engine named first, and recognizes what comes in from then on until it is killed. */
const doomed = `
  const { openLocalEngine } = await import(process.argv[1])
  const engine = await openLocalEngine({ decoders: 1 })
  console.log('ready')
  process.stdin.once('data', () => {
    engine.begin({
      audio: Buffer.alloc(1_000_000, 'noise'), encoding: 'pcm_s16le', sampleRate: 16_000,
      source: 'en', target: 'es', attempt: 1, signal: new AbortController().signal,
    }).recognize()
  })
`

test.skipIf(incomplete)(
  'kill -9 of a node at work leaves no process behind',
  async () => {
    const node = spawn(process.execPath, ['--input-type=module', '-e', doomed, engine], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await once(node.stdout, 'data')
    const below = descendantsOf(node.pid as number)
    const decoder = below.find(({ command }) => command.includes('pocketsphinx-child'))
    node.stdin.write('go')
    await vi.waitUntil(() => isBusy(decoder?.pid as number))
    node.kill('SIGKILL')
    await expect
      .poll(() => below.filter(({ pid }) => isRunning(pid)), { timeout: 5000 })
      .toEqual([])
    expect(below.length).toBeGreaterThan(10)
  },
  30_000,
)
