import { readFile, writeFile } from 'node:fs/promises'
import { machineLine } from './machine.ts'
import { FILES, type Result } from './result.ts'
import { verdictOf } from './row.ts'
import { boundText, spreadText, verdictText } from './text.ts'

export const BEGIN = '<!-- bench:begin -->'
export const END = '<!-- bench:end -->'

/** The performance section of the README, as a result gives it. */
export function sectionOf(result: Result): string {
  const { figures, curves, machine, day, mode, skipped, load } = result
  const rows = figures.map((figure) =>
    [
      figure.what,
      figure.floor,
      figure.system,
      spreadText(figure),
      boundText(figure, figure.must),
      boundText(figure, figure.aim),
      verdictOf(figure) === 'missed' ? '**missed**' : verdictText(figure),
    ].join(' | '),
  )
  return [
    '',
    `Measured on ${day}: ${machineLine(machine)}.`,
    'Clients, scheduler, node and Redis share the cores over loopback. A score with an `x` is a ratio to the',
    'floor of the same row, measured in turns with it in the same run: median of the rounds, least and greatest',
    `in brackets. Take ratios seriously and times lightly: the load average was ${load.toFixed(1)}.`,
    '',
    '| what | floor | LinguaMQ | score | must | aim | |',
    '|---|---|---|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
    '',
    ...(curves.length > 0 ? ['![How it grows](test/bench/growth.svg)', ''] : []),
    ...figures.flatMap(({ what, notes }) =>
      notes.length > 0 ? [`- ${what}: ${notes.join('; ')}`] : [],
    ),
    ...skipped.map(({ row, why }) => `- not measured: ${row} (${why})`),
    '',
    `Reproduce it: \`npm run bench${mode === 'full' ? ' -- --full' : ''}\`. \`--save\` writes this section.`,
    '',
  ].join('\n')
}

/** A text with the section put between its markers; unchanged without them. */
export function withSection(text: string, section: string): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from < 0 || to < from) return text
  return `${text.slice(0, from + BEGIN.length)}${section}${text.slice(to)}`
}

/** Puts the section into the README, if that has a place for it. */
export async function writeSection(result: Result): Promise<void> {
  const text = await readFile(FILES.readme, 'utf8')
  await writeFile(FILES.readme, withSection(text, sectionOf(result)))
}
