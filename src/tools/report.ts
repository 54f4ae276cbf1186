import { styleText } from 'node:util'
import type { FinalResult, Finalized, Progress } from '../protocol/events.ts'

export interface Report {
  title(text: string): void
  line(text: string): void
  cut(cut: Finalized): void
  heard(progress: Progress): void
  result(result: FinalResult, file: string | undefined): void
  /** The table at the end. */
  summary(results: readonly FinalResult[]): void
}

type Style = 'bold' | 'dim' | 'green' | 'red' | 'cyan'

/** Tells people what happens, as it happens; colours only where asked for. */
export function createReport(write: (text: string) => void, color: boolean): Report {
  const paint = (style: Style, text: string): string => (color ? styleText(style, text) : text)
  const line = (text: string): void => write(`${text}\n`)
  const step = (index: number, what: string, text: string): void =>
    line(`  ${paint('dim', `#${index}`)} ${paint('cyan', what.padEnd(8))} ${text}`)
  return {
    title: (text) => line(`\n${paint('bold', text)}`),
    line,
    cut({ index, reason, startMs, durationMs, continues }) {
      const goesOn = continues === undefined ? '' : `, goes on from #${continues}`
      step(
        index,
        'cut',
        `${seconds(startMs)}-${seconds(startMs + durationMs)} (${reason}${goesOn})`,
      )
    },
    heard({ index, stage, text }) {
      if (stage === 'transcribed') step(index, 'heard', text ?? '')
    },
    result(result, file) {
      const { index, outcome, timings, error } = result
      const code = error ? `: ${error.code}, ${error.message}` : ''
      if (outcome === 'translated') step(index, 'says', paint('green', result.translation ?? ''))
      else step(index, outcome, paint('red', `${outcome}${code}`))
      if (file) step(index, 'speech', file)
      step(index, 'took', `${seconds(timings.totalMs)} from the cut to here (${stages(result)})`)
    },
    summary(results) {
      line('')
      for (const row of table(results)) line(`  ${row}`)
    },
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`

function stages({ timings }: FinalResult): string {
  const { waitMs, recognizeMs = 0, translateMs = 0, synthesizeMs = 0 } = timings
  const parts = {
    wait: waitMs,
    recognize: recognizeMs,
    translate: translateMs,
    speak: synthesizeMs,
  }
  return Object.entries(parts)
    .map(([name, ms]) => `${name} ${Math.round(ms)} ms`)
    .join(', ')
}

const COLUMNS = [
  '#',
  'outcome',
  'audio',
  'wait',
  'recognize',
  'translate',
  'speak',
  'total',
  'node',
]

function table(results: readonly FinalResult[]): string[] {
  const rows = results.map(({ index, outcome, timings: t, node }) => [
    String(index),
    outcome,
    seconds(t.audioMs),
    ms(t.waitMs),
    ms(t.recognizeMs),
    ms(t.translateMs),
    ms(t.synthesizeMs),
    ms(t.totalMs),
    node ?? '-',
  ])
  const widths = COLUMNS.map((name, i) =>
    Math.max(name.length, ...rows.map((row) => row[i]?.length ?? 0)),
  )
  return [COLUMNS, widths.map((width) => '-'.repeat(width)), ...rows].map((row) =>
    row
      .map((cell, i) =>
        i === 1 || i === 8 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
      )
      .join('  '),
  )
}

const ms = (value: number | undefined): string =>
  value === undefined ? '-' : `${Math.round(value)} ms`
