import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
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

Streams real English speech through a scheduler and a node on this machine, cut where the speaker pauses,
and shows the Spanish that comes back; the spoken translation is written as WAV files to .lingua/demo.

  FILE.wav   a recording of your own: PCM, mono or stereo, 8-48 kHz (default: five LibriVox sentences)
  --fast     send all speech at once instead of at the pace of speech
  --keep     leave everything running afterwards and show where the dashboard is; Ctrl-C ends it
  --help     show this
`

interface Options {
  readonly files: readonly string[]
  readonly fast: boolean
  readonly keep: boolean
}

const OUT = resolve('.lingua', 'demo')
const CHUNK_MS = 100
/** Silence between two recordings: long enough to be heard as the end of a sentence. */
const BETWEEN_MS = 800
/** Under npm one Ctrl-C arrives twice, from the terminal and from npm. */
const ECHO_MS = 500

/** Answers whether every utterance got its outcome. However it ends, every process it started ends. */
async function main(options: Options, report: Report, ending: Ending): Promise<boolean> {
  const recordings = await Promise.all(options.files.map(openRecording))
  const parts: Part[] = []
  try {
    report.title('LinguaMQ: English speech in, Spanish text and speech out')
    return await ending.unless(show({ recordings, options, report, ending, parts }))
  } finally {
    await Promise.all(parts.toReversed().map((part) => part.stop()))
  }
}

async function show(work: Work): Promise<boolean> {
  const url = await startAll(work)
  const results = await translate(url, work)
  work.report.summary(results)
  if (work.options.keep) await keep(work)
  return results.every(({ outcome }) => outcome === 'translated' || outcome === 'empty')
}

interface Work {
  readonly recordings: readonly Recording[]
  readonly options: Options
  readonly report: Report
  readonly ending: Ending
  readonly parts: Part[]
}

/** The scheduler, which brings its Redis, the node and the dashboard: processes of their own. */
async function startAll({ parts, report, ending }: Work): Promise<string> {
  const start = async (name: string, entry: string, env: Record<string, string>): Promise<Part> => {
    const part = await startPart({ name, entry: new URL(entry, import.meta.url), env, logs: OUT })
    parts.push(part)
    part.ended.then(() => ending.now(1, `${name} ended, its log is ${part.log}`)).catch(() => {})
    report.line(`  ${name.padEnd(10)} ${shown(part)}`)
    return part
  }
  const [scheduler] = await Promise.all([
    start('scheduler', '../main.js', { PORT: '0' }),
    start('node', '../../workers/main.js', { LINGUA_NODE_ENGINE: 'local' }),
    start('dashboard', '../../dashboard/main.js', { LINGUA_DASHBOARD_PORT: '0' }),
  ])
  return scheduler.ready.url ?? ''
}

const shown = ({ ready }: Part): string =>
  ready.url ?? `${ready.node ?? ''} serves ${ready.pairs?.join(', ') ?? 'nothing'}`

/** One session for each sample rate; answers every final result in the order it came. */
async function translate(url: string, work: Work): Promise<FinalResult[]> {
  const results: FinalResult[] = []
  for (const sampleRate of new Set(work.recordings.map((each) => each.sampleRate))) {
    const session = await connect(url, {
      source: 'en',
      target: 'es',
      audio: { encoding: 'pcm_s16le', sampleRate },
      endpointing: { mode: 'vad' },
      speech: true,
    })
    const written: Promise<void>[] = []
    tell(session, work.report, (result) => {
      results.push(result)
      written.push(writeSpeech(result, results.length - 1, work.report))
    })
    await stream(session, sampleRate, work)
    const { lastIndex, unfinished } = await session.close()
    await Promise.all(written)
    if (unfinished > 0) throw new LinguaError('deadline', `${unfinished} utterances got no outcome`)
    if (lastIndex === null) work.report.line('  nothing was said')
  }
  return results
}

function tell(session: Session, report: Report, done: (result: FinalResult) => void): void {
  session.on('finalized', (cut) => report.cut(cut))
  session.on('progress', (progress) => report.heard(progress))
  session.on('error', ({ code, message }) => report.line(`  ${code}: ${message}`))
  session.on('result', (result) => {
    if (result.kind === 'final') done(result)
  })
}

/** Sends the recordings of one sample rate as one, at the pace of speech or at once; pauses do the cutting. */
async function stream(session: Session, sampleRate: number, work: Work): Promise<void> {
  const { recordings, report, options, ending } = work
  const bytesOf = (ms: number): number => 2 * Math.round((sampleRate * ms) / 1000)
  const silence = Buffer.alloc(bytesOf(BETWEEN_MS))
  const began = performance.now()
  let sent = 0
  for (const { name, pcm, durationMs } of recordings.filter((r) => r.sampleRate === sampleRate)) {
    report.title(`${name}  ${(durationMs / 1000).toFixed(1)} s`)
    const audio = sent > 0 ? Buffer.concat([silence, pcm]) : pcm
    for (let at = 0; at < audio.length; at += bytesOf(CHUNK_MS)) {
      const chunk = audio.subarray(at, at + bytesOf(CHUNK_MS))
      session.append(chunk)
      sent += chunk.length
      const due = began + (sent / bytesOf(1000)) * 1000
      const wait = options.fast ? 0 : Math.max(0, due - performance.now())
      await pause(wait, undefined, { signal: ending.signal })
    }
  }
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

async function keep({ parts, report, ending }: Work): Promise<void> {
  const dashboard = parts.find(({ name }) => name === 'dashboard')
  report.title(`Still running. Dashboard: ${dashboard?.ready.url ?? ''}  Ctrl-C ends it.`)
  await ending.unless(new Promise<never>(() => {}))
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

/** The one way in which the demo ends early: Ctrl-C, SIGTERM, or a process that died on it. */
interface Ending {
  readonly signal: AbortSignal
  now(exitCode: number, why: string): void
  /** The outcome of the work, unless the end comes first: then it rejects with the reason. */
  unless<T>(work: Promise<T>): Promise<T>
}

class Ended extends Error {
  readonly exitCode: number

  constructor(exitCode: number, why: string) {
    super(why)
    this.exitCode = exitCode
  }
}

function createEnding(): Ending {
  const abort = new AbortController()
  const { signal } = abort
  let endedAt: number | undefined
  const now = (exitCode: number, why: string): void => {
    endedAt ??= performance.now()
    abort.abort(new Ended(exitCode, why))
  }
  for (const [name, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.on(name, () => {
      if (endedAt !== undefined && performance.now() - endedAt > ECHO_MS) process.exit(exitCode)
      now(exitCode, 'stopped')
    })
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(asError(signal.reason)), { once: true })
  })
  ended.catch(() => {})
  return { signal, now, unless: (work) => Promise.race([work, ended]) }
}

const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error(String(reason))

async function run(): Promise<number> {
  try {
    const options = readOptions()
    if (!options) {
      process.stdout.write(`${HELP.trim()}\n`)
      return 0
    }
    const color = wantsColor(process.stdout)
    const report = createReport((text) => void process.stdout.write(text), color)
    return (await main(options, report, createEnding())) ? 0 : 1
  } catch (error) {
    process.stderr.write(`demo: ${asError(error).message}\n`)
    return error instanceof Ended ? error.exitCode : 1
  }
}

process.exit(await run())
