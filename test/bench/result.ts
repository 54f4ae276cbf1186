import { readFile, writeFile } from 'node:fs/promises'
import type { Machine } from './machine.ts'
import type { Curve, Figure } from './row.ts'

/** One run of the benchmark, as `result.json` keeps it. */
export interface Result {
  /** The day, as YYYY-MM-DD. */
  readonly day: string
  readonly mode: 'quick' | 'full'
  readonly machine: Machine
  /** Processes that wanted a core on average during the run, those of the benchmark included. */
  readonly load: number
  readonly figures: readonly Figure[]
  readonly curves: readonly Curve[]
  /** Rows that could not be measured, and why. */
  readonly skipped: readonly { readonly row: string; readonly why: string }[]
}

const root = new URL('../../', import.meta.url)
/** The checkout: this module runs from `dist`, two folders deeper than its source, or from the source. */
const checkout = root.pathname.endsWith('/dist/') ? new URL('../', root) : root

export const FILES = {
  result: new URL('test/bench/result.json', checkout),
  chart: new URL('test/bench/growth.svg', checkout),
  readme: new URL('README.md', checkout),
} as const

/** Figures with four digits that mean something, so that a commit shows what changed. */
const rounded = (_: string, value: unknown): unknown =>
  typeof value === 'number' ? Number(value.toPrecision(4)) : value

export const writeResult = (result: Result): Promise<void> =>
  writeFile(FILES.result, `${JSON.stringify(result, rounded, 2)}\n`)

export async function readResult(): Promise<Result> {
  const result: Result = JSON.parse(await readFile(FILES.result, 'utf8'))
  return result
}
