import type { Breach } from './checker/checker.ts'
import type { Figures } from './figures.ts'

export interface Row {
  readonly scenario: string
  readonly figures: Figures
  readonly breaches: readonly Breach[]
  readonly tookMs: number
}

const COLUMNS = [
  'scenario',
  'sess',
  'utt',
  'transl',
  'empty',
  'failed',
  'canc',
  'exec/utt',
  'max',
  'dups',
  'holes',
  'late',
  'rehomes',
  'fenced',
  'recovery p50/p99/max ms (n)',
  'back ms',
  'starved ms',
  's',
  'broken',
] as const

/** One line for each scenario, their total, and one for each mutant; columns aligned. */
export function tableOf(played: readonly { isMutant: boolean; row?: Row }[]): string {
  const rowsOf = (mutants: boolean): readonly Row[] =>
    played.flatMap(({ isMutant, row }) => (isMutant === mutants && row ? [row] : []))
  const whole = rowsOf(false)
  const total = whole.length > 1 ? [totalOf(whole)] : []
  const cells = [COLUMNS, ...[...whole, ...total, ...rowsOf(true)].map(cellsOf)]
  const widths = COLUMNS.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)))
  return cells
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  '),
    )
    .join('\n')
}

function cellsOf({ scenario, figures, breaches, tookMs }: Row): string[] {
  const { outcomes, executions, restart } = figures
  const broken = [...new Set(breaches.map(({ promise }) => promise))]
  return [
    scenario,
    `${figures.sessions}`,
    `${figures.utterances}`,
    ...['translated', 'empty'].map((each) => `${outcomes[each] ?? 0}`),
    failuresOf(figures),
    `${outcomes['cancelled'] ?? 0}`,
    executions.mean.toFixed(2),
    `${executions.most}`,
    `${figures.repeats}`,
    `${figures.holes}`,
    `${figures.late}`,
    `${figures.rehomes}`,
    `${figures.fenced}`,
    restart ? `${restart.p50}/${restart.p99}/${restart.most} (${restart.count})` : '-',
    figures.returns.length > 0 ? `${Math.max(...figures.returns)}` : '-',
    `${figures.starvedMs}`,
    (tookMs / 1000).toFixed(0),
    broken.length > 0 ? broken.join(' ') : 'none',
  ]
}

function totalOf(rows: readonly Row[]): Row {
  const figures = rows.map((row) => row.figures)
  const sum = (of: (each: Figures) => number): number =>
    figures.reduce((total, each) => total + of(each), 0)
  const utterances = sum((each) => each.utterances)
  const executions = sum((each) => each.executions.mean * each.utterances)
  return {
    scenario: 'total',
    figures: {
      sessions: sum((each) => each.sessions),
      utterances,
      outcomes: tallies(figures.map((each) => each.outcomes)),
      failures: tallies(figures.map((each) => each.failures)),
      executions: {
        mean: executions / Math.max(1, utterances),
        most: Math.max(...figures.map((each) => each.executions.most)),
      },
      repeats: sum((each) => each.repeats),
      holes: sum((each) => each.holes),
      late: sum((each) => each.late),
      rehomes: sum((each) => each.rehomes),
      fenced: sum((each) => each.fenced),
      restart: undefined,
      returns: figures.flatMap((each) => each.returns),
      starvedMs: sum((each) => each.starvedMs),
    },
    breaches: rows.flatMap(({ breaches }) => breaches),
    tookMs: rows.reduce((total, { tookMs }) => total + tookMs, 0),
  }
}

function tallies(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [word, count] of all.flatMap((each) => Object.entries(each)))
    counts[word] = (counts[word] ?? 0) + count
  return counts
}

/** `9: 5 no_node, 4 engine_error`. Those cancelled have a code too, and a column of their own. */
function failuresOf({ outcomes, failures }: Figures): string {
  const codes = Object.entries(failures).filter(([code]) => code !== 'cancelled')
  const told = codes.map(([code, count]) => `${count} ${code}`).join(', ')
  return told ? `${outcomes['failed'] ?? 0}: ${told}` : '0'
}

const MOST_SHOWN = 12

/** The broken promises of a scenario, one on a line. */
export function breachesOf(breaches: readonly Breach[]): string {
  const lines = breaches
    .slice(0, MOST_SHOWN)
    .map(({ promise, where, what }) => `  ${promise} ${where}: ${what}`)
  const rest = breaches.length - lines.length
  return [...lines, ...(rest > 0 ? [`  and ${rest} more`] : [])].join('\n')
}
