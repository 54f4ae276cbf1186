import { verdictOf, type Figure, type Verdict } from './row.ts'
import { boundText, spreadText, verdictText } from './text.ts'

const COLOURS: Readonly<Record<Verdict, number>> = { aim: 32, must: 33, missed: 31, report: 0 }
const HEADS = ['what', 'floor', 'LinguaMQ', 'score (spread)', 'must', 'aim', '']

/** The figures as lines for a terminal, each with its notes below. */
export function tableOf(figures: readonly Figure[], coloured: boolean): string[] {
  const rows = figures.map((figure) => ({ figure, cells: cellsOf(figure) }))
  const widths = HEADS.map((head, i) =>
    Math.max(head.length, ...rows.map(({ cells }) => cells[i]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  const paint = (colour: number, text: string): string =>
    coloured && colour > 0 ? `\u001B[${colour}m${text}\u001B[0m` : text
  return [
    line(HEADS),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.flatMap(({ figure, cells }) => [
      paint(COLOURS[verdictOf(figure)], line(cells)),
      ...figure.notes.map((note) => paint(90, `  ${note}`)),
    ]),
  ]
}

const cellsOf = (figure: Figure): string[] => [
  figure.what.replaceAll('`', ''),
  figure.floor,
  figure.system,
  spreadText(figure),
  boundText(figure, figure.must),
  boundText(figure, figure.aim),
  verdictText(figure),
]
