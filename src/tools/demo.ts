import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connect, type Session } from '../client/client.ts'
import { wantsColor } from '../platform/config.ts'
import { LinguaError } from '../protocol/codes.ts'
import type { FinalResult } from '../protocol/events.ts'
import { startPart, type Part } from './processes.ts'
import { LIBRIVOX_FILES, openRecording, type Recording } from './recordings.ts'
import { createReport, type Report } from './report.ts'
import { writeWav } from './wav.ts'

const HELP = `
Usage: npm run demo [-- [--fast] [--keep] [FILE.wav ...]]

Streams real English speech through a scheduler and a node on this machine and shows the Spanish that
comes back; the spoken translation is written as WAV files to .lingua/demo.

  FILE.wav   a recording of your own: PCM, mono or stereo, 8-48 kHz (default: five LibriVox sentences)
  --fast     send each recording at once instead of at the pace of speech
  --keep     leave everything running afterwards and show where the dashboard is; Ctrl-C ends it
  --help     show this
`

interface Options {
  readonly files: readonly string[]
  readonly fast: boolean
  readonly keep: boolean
}

const OUT = join('.lingua', 'demo')
const CHUNK_MS = 100
/** Under npm one Ctrl-C arrives twice, from the terminal and from npm. */
const ECHO_MS = 500

async function main(options: Options, report: Report, ending: AbortSignal): Promise<boolean> {
  const recordings = await Promise.all(options.files.map(openRecording))
  const parts: Part[] = []
  try {
    report.title('LinguaMQ: English speech in, Spanish text and speech out')
    const url = await startAll(parts, report, ending)
    const results = await translate(url, { recordings, options, report, ending })
    report.summary(results)
    const good = results.every(({ outcome }) => outcome === 'translated' || outcome === 'empty')
    if (options.keep) await keep(parts, report, ending)
    return good
  } finally {
    for (const part of parts.toReversed()) await part.stop()
  }
}

/** The scheduler, which brings its Redis; then node and dashboard: processes of their own. */
async function startAll(parts: Part[], report: Report, ending: AbortSignal): Promise<string> {
  const start = async (name: string, entry: string, env: Record<string, string>): Promise<Part> => {
    ending.throwIfAborted()
    const part = await startPart({ name, entry: new URL(entry, import.meta.url), env, logs: OUT })
    parts.push(part)
    report.line(`  ${name.padEnd(10)} ${shown(part)}`)
    return part
  }
  const scheduler = await start('scheduler', '../main.js', { PORT: '0' })
  await Promise.all([
    start('node', '../../workers/main.js', { LINGUA_NODE_ENGINE: 'local' }),
    start('dashboard', '../../dashboard/main.js', { LINGUA_DASHBOARD_PORT: '0' }),
  ])
  return scheduler.ready.url ?? ''
}

const shown = ({ ready }: Part): string =>
  ready.url ?? `${ready.node ?? ''} serves ${ready.pairs?.join(', ') ?? 'nothing'}`

interface Work {
  readonly recordings: readonly Recording[]
  readonly options: Options
  readonly report: Report
  readonly ending: AbortSignal
}

/** One session for each sample rate; answers every final result in the order it came. */
async function translate(url: string, work: Work): Promise<FinalResult[]> {
  const results: FinalResult[] = []
  for (const sampleRate of new Set(work.recordings.map((each) => each.sampleRate))) {
    const session = await connect(url, {
      source: 'en',
      target: 'es',
      audio: { encoding: 'pcm_s16le', sampleRate },
      endpointing: { mode: 'manual' },
      speech: true,
    })
    const written: Promise<void>[] = []
    show(session, work.report, (result) => {
      results.push(result)
      written.push(writeSpeech(result, results.length - 1, work.report))
    })
    for (const recording of work.recordings.filter((each) => each.sampleRate === sampleRate))
      await stream(session, recording, work)
    const { lastIndex, unfinished } = await session.close()
    await Promise.all(written)
    if (unfinished > 0 || lastIndex === null)
      throw new LinguaError('deadline', `${unfinished} utterances got no outcome`)
  }
  return results
}

function show(session: Session, report: Report, done: (result: FinalResult) => void): void {
  session.on('finalized', (cut) => report.cut(cut))
  session.on('progress', (progress) => report.heard(progress))
  session.on('error', ({ code, message }) => report.line(`  ${code}: ${message}`))
  session.on('result', (result) => {
    if (result.kind === 'final') done(result)
  })
}

/** Sends a recording at the pace of speech, or at once, and cuts behind it. */
async function stream(session: Session, recording: Recording, work: Work): Promise<void> {
  const { name, pcm, sampleRate, durationMs } = recording
  work.report.title(`${name}  ${(durationMs / 1000).toFixed(1)} s`)
  const chunkBytes = 2 * Math.round((sampleRate * CHUNK_MS) / 1000)
  const began = performance.now()
  for (let at = 0; at < pcm.length; at += chunkBytes) {
    session.append(pcm.subarray(at, at + chunkBytes))
    const due = began + (at / chunkBytes + 1) * CHUNK_MS
    const wait = work.options.fast ? 0 : Math.max(0, due - performance.now())
    await pause(wait, undefined, { signal: work.ending })
  }
  await session.commit()
}

async function writeSpeech(result: FinalResult, number: number, report: Report): Promise<void> {
  const { speech } = result
  const spoken = speech && 'bytes' in speech ? speech : undefined
  const file = spoken && join(OUT, `${String(number + 1).padStart(2, '0')}.wav`)
  report.result(
    result,
    file && `${(spoken.durationMs / 1000).toFixed(1)} s -> ${relative('.', file)}`,
  )
  if (!spoken || !file) return
  await mkdir(OUT, { recursive: true })
  await writeFile(file, writeWav({ sampleRate: spoken.sampleRate, pcm: spoken.bytes }))
}

async function keep(parts: readonly Part[], report: Report, ending: AbortSignal): Promise<void> {
  const dashboard = parts.find(({ name }) => name === 'dashboard')
  report.title(`Still running. Dashboard: ${dashboard?.ready.url ?? ''}  Ctrl-C ends it.`)
  const ended = new Promise<void>((resolve) => {
    ending.addEventListener('abort', () => resolve(), { once: true })
    if (ending.aborted) resolve()
  })
  await Promise.race([ended, ...parts.map((part) => part.ended)])
}

function readOptions(): Options | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      fast: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  return {
    files: positionals.length > 0 ? positionals : LIBRIVOX_FILES,
    fast: values.fast,
    keep: values.keep,
  }
}

/** Ctrl-C and SIGTERM end everything; the exit code says which it was. */
function endingSignal(): { readonly signal: AbortSignal; readonly exitCode: () => number } {
  const ending = new AbortController()
  let code = 0
  let endedAt = 0
  for (const [signal, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.on(signal, () => {
      if (code !== 0 && performance.now() - endedAt > ECHO_MS) process.exit(exit)
      if (code !== 0) return
      code = exit
      endedAt = performance.now()
      ending.abort(new LinguaError('cancelled'))
    })
  return { signal: ending.signal, exitCode: () => code }
}

try {
  const options = readOptions()
  if (options) {
    const report = createReport(
      (text) => void process.stdout.write(text),
      wantsColor(process.stdout),
    )
    const ending = endingSignal()
    const good = await main(options, report, ending.signal).catch((error: unknown) => {
      if (!ending.signal.aborted) throw error
      return false
    })
    process.exit(ending.exitCode() || (good ? 0 : 1))
  }
  process.stdout.write(`${HELP.trim()}\n`)
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
