import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { test as base, expect } from 'vitest'
import { readWav } from '../../src/tools/wav.ts'
import { processesIn } from '../support/processes.ts'
import { lacks, readRecordings } from '../support/real-engines.ts'
import { wordErrorRate } from '../support/word-error-rate.ts'

const DEMO = fileURLToPath(new URL('../../dist/src/tools/demo.js', import.meta.url))

interface Run {
  readonly child: ChildProcess
  readonly lines: readonly string[]
  /** Resolves with the first line that contains `text`. */
  line(text: string): Promise<string>
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

function run(folder: string, ...args: string[]): Run {
  const child = spawn(process.execPath, [DEMO, ...args], { cwd: folder, stdio: 'pipe' })
  const lines: string[] = []
  const lookers = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr])
    createInterface(stream).on('line', (line) => {
      lines.push(line)
      for (const look of lookers) look()
    })
  return {
    child,
    lines,
    line: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = lines.find((each) => each.includes(text))
          if (found === undefined) return
          lookers.delete(look)
          resolve(found)
        }
        lookers.add(look)
        look()
      }),
    ended: once(child, 'close').then(([code, signal]) => code ?? signal),
  }
}

const test = base.extend('folder', async ({}, { onCleanup }) => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'demo-')))
  onCleanup(() => rm(folder, { recursive: true, force: true }))
  return folder
})

/** How long a Node that does nothing takes from start to end, at its median of five, ms. */
function bareStartMs(): number {
  const took = Array.from({ length: 5 }, () => {
    const began = performance.now()
    spawnSync(process.execPath, ['-e', '0'])
    return performance.now() - began
  })
  return took.toSorted((a, b) => a - b)[2] ?? NaN
}

const said = (lines: readonly string[], what: string): string[] =>
  lines
    .map((line) => new RegExp(`^ +#(\\d+) ${what} +(.*)$`).exec(line))
    .filter((match) => match !== null)
    .toSorted((a, b) => Number(a[1]) - Number(b[1]))
    .map((match) => match[2] ?? '')

test.skipIf(lacks('pocketsphinx', 'recordings', 'apertium', 'espeak'))(
  'the demo hears five sentences, says them in Spanish, and starts within 5 s once it is set up',
  { timeout: 180_000 },
  async ({ folder }) => {
    const demo = run(folder, '--fast')
    expect({ code: await demo.ended, lines: demo.lines }).toMatchObject({ code: 0 })
    const heard = said(demo.lines, 'heard')
    const pairs = readRecordings().map((each, i) => ({ said: each.said, heard: heard[i] ?? '' }))
    expect(wordErrorRate(pairs)).toBeLessThan(0.35)
    const translations = said(demo.lines, 'says')
    expect(translations).toHaveLength(5)
    expect(translations.join(' ')).toMatch(/\b(hombre|mujer|podría|para|él)\b/)
    const files = (await readdir(join(folder, '.lingua/demo'))).filter((name) =>
      name.endsWith('.wav'),
    )
    expect(files).toHaveLength(5)
    for (const file of files) {
      const { sampleRate, samples } = readWav(await readFile(join(folder, '.lingua/demo', file)))
      expect(samples.length / sampleRate).toBeGreaterThan(0.5)
      expect(samples.some((sample) => Math.abs(sample) > 1000)).toBe(true)
    }
    const starts: number[] = []
    for (let i = 0; i < 3; i += 1) {
      const began = performance.now()
      const again = run(folder, '--fast')
      await again.line('librivox-0870')
      starts.push(performance.now() - began)
      again.child.kill('SIGINT')
      await again.ended
    }
    // Five seconds of a machine on which a bare Node starts within 100 ms; a slower one has as much more.
    expect(Math.min(...starts)).toBeLessThan(5000 * Math.max(1, bareStartMs() / 100))
    expect(processesIn(folder)).toEqual([])
  },
)

test.skipIf(lacks('pocketsphinx', 'recordings', 'apertium', 'espeak'))(
  'Ctrl-C ends everything within 3 s, kill -9 leaves no stray process, and the next start works',
  { timeout: 120_000 },
  async ({ folder }) => {
    const first = run(folder)
    await first.line('librivox-0870')
    const began = performance.now()
    first.child.kill('SIGINT')
    expect(await first.ended).toBe(130)
    expect(performance.now() - began).toBeLessThan(3000)
    expect(processesIn(folder)).toEqual([])

    // Killed at work, and while some of its processes are still starting.
    for (const when of ['librivox-0870', 'scheduler  http']) {
      const second = run(folder)
      await second.line(when)
      second.child.kill('SIGKILL')
      expect(await second.ended).toBe('SIGKILL')
      await expect.poll(() => processesIn(folder), { timeout: 10_000 }).toEqual([])
    }

    const third = run(folder)
    await third.line('librivox-0870')
    third.child.kill('SIGINT')
    expect(await third.ended).toBe(130)
  },
)
