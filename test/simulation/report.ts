import type { Route } from '../../lua/routing.ts'

export interface Report {
  /** Attempts given to each node, whether it stayed or not. */
  readonly shares: readonly { readonly node: string; readonly capacity: number; given: number }[]
  /** Continued speech that had a home, and how much of it got there. */
  readonly affinity: { readonly asked: number; readonly hit: number }
  /** From the cut to the start of the work, ms, ascending. */
  readonly waitsMs: readonly number[]
  /** Utterances placed while an older one stood in line. */
  readonly inversions: number
  /** Most that stood in line at once. */
  readonly longestLine: number
  /** Routing decisions, the vain ones of who stood in line included. */
  readonly questions: number
}

interface Recorder {
  asked(): void
  joined(node: string, capacity: number): void
  placed(
    route: Extract<Route, { kind: 'node' }>,
    utterance: { readonly cutAt: number },
    line: Iterable<{ readonly cutAt: number }>,
  ): void
  started(waitMs: number): void
  read(): Report
}

export function createReport(): Recorder {
  const shares = new Map<string, { node: string; capacity: number; given: number }>()
  const affinity = { asked: 0, hit: 0 }
  const waitsMs: number[] = []
  let inversions = 0
  let longestLine = 0
  let questions = 0
  return {
    asked: () => void (questions += 1),
    joined: (node, capacity) => void shares.set(node, { node, capacity, given: 0 }),
    placed({ node, decision }, { cutAt }, line) {
      const share = shares.get(node)
      if (share) share.given += 1
      if (decision !== 'balance') affinity.asked += 1
      if (decision === 'home') affinity.hit += 1
      const standing = [...line]
      longestLine = Math.max(longestLine, standing.length)
      if (standing.some((older) => older.cutAt < cutAt)) inversions += 1
    },
    started: (waitMs) => void waitsMs.push(waitMs),
    read: () => ({
      shares: [...shares.values()],
      affinity,
      waitsMs: waitsMs.toSorted((a, b) => a - b),
      inversions,
      longestLine,
      questions,
    }),
  }
}

/** The wait that a share `q` of all did not exceed, ms. */
export const waitAt = ({ waitsMs }: Pick<Report, 'waitsMs'>, q: number): number =>
  waitsMs[Math.floor(q * (waitsMs.length - 1))] ?? 0

/** The report as lines for people. */
export function tell({ shares, affinity, waitsMs, ...line }: Report): string {
  const given = shares.map((each) => each.given)
  const total = given.reduce((sum, each) => sum + each, 0)
  const at = (q: number): number => waitAt({ waitsMs }, q)
  const { longestLine, inversions, questions } = line
  return [
    `${total} attempts on ${shares.length} nodes, mean ${(total / shares.length).toFixed(1)}, ` +
      `least ${Math.min(...given)}, most ${Math.max(...given)}`,
    `affinity ${affinity.hit} of ${affinity.asked}`,
    `wait p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`,
    `longest line ${longestLine}, inversions ${inversions}, ${questions} questions`,
  ].join('; ')
}
