import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test, vi } from 'vitest'
import { entryOf } from '../../src/platform/entry.ts'
import { descendantsOf, isBusy, isRunning } from '../support/processes.ts'
import { lacks, PROGRAMS } from '../support/real-engines.ts'

/** Opens the engine and keeps its decoder and its pipeline at work until it is killed. */
const doomed = `
  import { readFileSync } from 'node:fs'
  const { openLocalEngine } = await import(${JSON.stringify(entryOf(import.meta.url, '../../workers/engines/local.ts').href)})
  const engine = await openLocalEngine({ decoders: 1 })
  const wav = readFileSync(${JSON.stringify(PROGRAMS.recordings.replace('transcription', 'sense_and_sensibility_01_austen_64kb-0870.wav'))})
  const stages = engine.begin({
    audio: wav.subarray(44), encoding: 'pcm_s16le', sampleRate: 16000,
    source: 'en', target: 'es', attempt: 1, signal: new AbortController().signal,
  })
  const translating = stages.translate('The house.', 'en')
  stages.recognize()
  await translating
  console.log('working')
`

test.skipIf(lacks('pocketsphinx', 'recordings', 'apertium', 'espeak'))(
  'kill -9 of a node at work leaves no process behind',
  async () => {
    const node = spawn(process.execPath, ['--input-type=module', '-e', doomed], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(node.stdout, 'data')
    const below = descendantsOf(node.pid ?? expect.fail('it did not start')).map(({ pid }) => pid)
    expect(below.length).toBeGreaterThan(10)
    await vi.waitUntil(() => below.some(isBusy))
    node.kill('SIGKILL')
    await expect.poll(() => below.filter(isRunning), { timeout: 15_000 }).toEqual([])
  },
  30_000,
)
