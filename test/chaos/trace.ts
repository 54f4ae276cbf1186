import { readFile } from 'node:fs/promises'
import { STAGES, type Outcome } from '../../src/protocol/events.ts'
import { parseAttemptId } from '../../src/protocol/ids.ts'
import type { Fact } from './history.ts'

/** One line that the preload wrote: a script, with what it was asked and what it answered. */
interface Line {
  readonly at: number
  readonly sentAt: number
  readonly pid: number
  readonly name: string
  readonly keys: readonly string[]
  readonly args: readonly string[]
  readonly reply?: unknown
}

/** The facts in a trace file of the process `by`; none if it never ran a script. */
export async function readTrace(file: string, by: string): Promise<readonly Fact[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .flatMap((line) => {
      const parsed: Line = JSON.parse(line)
      const fact = toFact(parsed, by)
      return fact ? [fact] : []
    })
}

/** KEYS and ARGV are those of the scripts' headers, and of BullMQ's own scripts. */
function toFact(line: Line, by: string): Fact | undefined {
  const { at, sentAt, pid } = line
  const parsed = PARSERS[line.name]?.(line)
  return parsed && ({ at, sentAt, pid, by, ...parsed } as Fact)
}

type Parsed = Record<string, unknown> & { kind: Fact['kind'] }

const PARSERS: Readonly<Record<string, (line: Line) => Parsed | undefined>> = {
  openAudio: ({ keys, args: [epoch], reply }) =>
    word(reply) === 'opened'
      ? { kind: 'taken', session: sessionIn(keys), epoch: Number(epoch) }
      : undefined,
  appendAudio: ({ keys, args: [epoch, chunk], reply }) =>
    Number(word(reply)) >= 0
      ? { kind: 'stored', session: sessionIn(keys), epoch: Number(epoch), chunk: Number(chunk) }
      : undefined,
  cutAudio: ({ keys, args: [epoch, reason], reply }) => {
    const [said, index, base, bytes] = list(reply)
    if (said !== 'cut') return undefined
    const where = { index: Number(index), base: Number(base), bytes: Number(bytes) }
    return { kind: 'cut', session: sessionIn(keys), epoch: Number(epoch), reason, ...where }
  },
  startSession: ({ args: [session], reply }) =>
    word(reply) === 'started' ? { kind: 'started', session } : undefined,
  route: ({ args: [, job = '', , after, why], reply }) => {
    const [said, n, node, life] = list(reply)
    const parsed = parseAttemptId(`${job}.${n}`)
    if (said !== 'node' || !parsed) return undefined
    const { session, index } = parsed
    return { kind: 'routed', session, index, n: Number(n), node, life, after: Number(after), why }
  },
  addStandardJob: ({ keys: [wait = ''], args: [child = ''] }) => {
    const parsed = parseAttemptId(child)
    if (!parsed) return undefined
    const { session, index, n } = parsed
    return { kind: 'placed', session, index, n, queue: wait.split(':').at(-2) ?? '' }
  },
  progress: ({ args: [, job = '', , n, said] }) => {
    const parsed = parseAttemptId(`${job}.${n}`)
    const stage = STAGES.find((each) => each === said)
    if (!parsed || !stage) return undefined
    const { session, index } = parsed
    return { kind: 'progressed', session, index, n: Number(n), stage }
  },
  moveToFinished: ({ args: [child = '', , , , how], reply }) => {
    const parsed = parseAttemptId(child)
    if (!parsed) return undefined
    const { session, index, n } = parsed
    const code = typeof reply === 'number' ? reply : 0
    return { kind: 'finished', session, index, n, how, code }
  },
  settle: ({ args: [, session, index, , attempt, text = ''], reply }) => {
    const outcome = /"outcome":"(\w+)"/.exec(text)?.[1] as Outcome
    const by = attempt === '' ? undefined : Number(attempt)
    return {
      kind: 'settled',
      session,
      index: Number(index),
      attempt: by,
      word: word(reply),
      outcome,
    }
  },
  registerNode: ({ args: [, node], reply }) => ({
    kind: 'registered',
    node,
    life: String(reply),
  }),
  beatNode: ({ args: [, node, life, state], reply }) => ({
    kind: 'beaten',
    node,
    life,
    state,
    word: word(reply),
  }),
}

const list = (reply: unknown): string[] => (Array.isArray(reply) ? reply.map(String) : [])
const word = (reply: unknown): string =>
  String(Array.isArray(reply) ? (reply[0] as unknown) : reply)
const sessionIn = (keys: readonly string[]): string => /\{([^}]*)\}$/.exec(keys[0] ?? '')?.[1] ?? ''
