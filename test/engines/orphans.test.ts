import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test, vi } from 'vitest'
import { entryOf } from '../../src/platform/entry.ts'
import { descendantsOf, isBusy, isRunning } from '../support/processes.ts'
import { lacks, readRecordings } from '../support/real-engines.ts'

const engine = entryOf(import.meta.url, '../../workers/engines/local.ts').href
const incomplete = lacks('pocketsphinx', 'recordings', 'apertium', 'espeak')

/** Opens the engine named first, then recognizes all that comes in until it is killed. */
const doomed = `
  import { buffer } from 'node:stream/consumers'
  const { openLocalEngine } = await import(process.argv[1])
  const engine = await openLocalEngine({ decoders: 1 })
  console.log('ready')
  const audio = await buffer(process.stdin)
  engine.begin({
    audio, encoding: 'pcm_s16le', sampleRate: 16_000, source: 'en', target: 'es', attempt: 1,
    signal: new AbortController().signal,
  }).recognize()
`

test.skipIf(incomplete)(
  'kill -9 of a node leaves no process behind, not even until the end of a decode',
  async () => {
    const node = spawn(process.execPath, ['--input-type=module', '-e', doomed, engine], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void node.kill('SIGKILL'))
    await once(node.stdout, 'data')
    const below = descendantsOf(node.pid as number)
    const decoder = below.find(({ command }) => command.includes('pocketsphinx-child'))
    const recordings = readRecordings().map(({ pcm }) => pcm)
    node.stdin.end(Buffer.concat([...recordings, ...recordings, ...recordings]))
    await vi.waitUntil(() => isBusy(decoder?.pid as number), { timeout: 10_000 })
    node.kill('SIGKILL')
    await expect
      .poll(() => below.filter(({ pid }) => isRunning(pid)), { timeout: 3000 })
      .toEqual([])
    expect(below.length).toBeGreaterThan(10)
  },
  30_000,
)
