import { loadavg } from 'node:os'
import { describeMachine } from './machine.ts'
import type { Result } from './result.ts'
import type { Curve, Figure, Measured, Row } from './row.ts'
import { openStage } from './stage.ts'
import { median } from './statistics.ts'

export interface Plan {
  readonly rows: readonly Row[]
  readonly full: boolean
  readonly tell: (line: string) => void
}

/**
 * Measures the rows one after the other, each on a Redis of its own. A row that fails is told and left
 * out; once `ending` aborts, everything is taken down and this rejects.
 */
export async function measureAll(plan: Plan, ending: AbortSignal): Promise<Result> {
  const figures: Figure[] = []
  const curves: Curve[] = []
  const skipped: { row: string; why: string }[] = []
  const loads: number[] = []
  for (const [i, row] of plan.rows.entries()) {
    plan.tell(`[${i + 1}/${plan.rows.length}] ${row.name}`)
    try {
      const measured = await measureRow(row, plan, ending)
      figures.push(...measured.figures)
      curves.push(...(measured.curves ?? []))
    } catch (error) {
      ending.throwIfAborted()
      const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
      plan.tell(`  not measured: ${why}`)
      skipped.push({ row: row.name, why })
    }
    loads.push(loadavg()[0] ?? 0)
  }
  return {
    day: new Date().toISOString().slice(0, 10),
    mode: plan.full ? 'full' : 'quick',
    machine: await describeMachine(),
    load: median(loads),
    ...{ figures, curves, skipped },
  }
}

async function measureRow(row: Row, { full, tell }: Plan, ending: AbortSignal): Promise<Measured> {
  ending.throwIfAborted()
  const began = performance.now()
  const seconds = (): string => ((performance.now() - began) / 1000).toFixed(0).padStart(4)
  const stage = await openStage(ending)
  try {
    return await Promise.race([
      row.measure({ full, stage, tell: (line) => tell(`${seconds()} s  ${line}`) }),
      aborted(ending),
    ])
  } finally {
    await stage.close()
  }
}

/** Rejects when the signal aborts: a row that is busy starting something is not waited for. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
  })
