import { parseArgs, styleText } from 'node:util'
import { z } from 'zod'
import { readConfig, wantsColor } from '../platform/config.ts'
import { LinguaError } from '../protocol/codes.ts'
import { VERDICTS, type Explanation, type Verdict } from '../protocol/explanation.ts'

const HELP = `
Usage: npm run explain -- SOURCE TARGET [--speech] [--url URL]

Asks a scheduler on this machine which node it would choose now for a new utterance, and why every other
node is out.

  SOURCE TARGET  languages, such as: en es
  --speech       with the translation spoken
  --url URL      the scheduler (default: http://HOST:PORT of the settings)
  --help         show this
`

const MEANING: Readonly<Record<Verdict, string>> = {
  chosen: 'would be chosen',
  equal: 'as good: the lot decides',
  longer_wait: 'the wait there is longer',
  behind: 'older utterances in line come first',
  full: 'holds three times its capacity',
  unable: 'lacked an engine for this within the last minute',
  other_pair: 'does not serve this pair',
  warming: 'is warming up',
  draining: 'is draining',
  gone: 'fell silent or left',
}

const Answer = z.object({
  pairs: z.array(z.string()),
  chosen: z.string().nullable(),
  waiting: z.number(),
  nodes: z.array(
    z.object({
      node: z.string(),
      verdict: z.enum(VERDICTS),
      held: z.number(),
      capacity: z.number(),
      waitMs: z.number().optional(),
    }),
  ),
})
const Refused = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

const ANSWER_MS = 10_000

async function ask(base: string, query: Record<string, string>): Promise<Explanation> {
  const url = new URL('/v1/explain', base)
  url.search = new URLSearchParams(query).toString()
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(
    (cause: unknown) => {
      const message = `no scheduler answers at ${base}: start one with npm start, or name it with --url`
      throw new LinguaError('dependency_down', message, { cause })
    },
  )
  const body: unknown = await response.json().catch(() => undefined)
  const answer = Answer.safeParse(body)
  if (answer.success) return answer.data
  const { data } = Refused.safeParse(body)
  const what = data?.error.message ?? `${base} answers ${response.status} and is no scheduler`
  throw new LinguaError('bad_request', what)
}

/** The explanation as lines of a table; colours only where asked for. */
function show({ pairs, chosen, waiting, nodes }: Explanation, color: boolean): string[] {
  const rows = nodes.map(({ node, waitMs, held, capacity, verdict }) => [
    node,
    waitMs === undefined ? '-' : `${waitMs} ms`,
    `${held}/${3 * capacity}`,
    MEANING[verdict],
  ])
  const table = [['node', 'wait', 'in hand', 'why'], ...rows]
  const widths = [0, 1, 2].map((i) => Math.max(...table.map((row) => row[i]?.length ?? 0)))
  const lines = table.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))),
  )
  const paint = (style: 'bold' | 'green' | 'dim', text: string): string =>
    color ? styleText(style, text) : text
  const word = chosen === null ? 'nobody now, it would wait in line' : chosen
  const [head = [], ...body] = lines
  return [
    paint('bold', `${pairs.join(' and ')}: ${word}`),
    ...(waiting > 0 ? [`${waiting} waiting in line`] : []),
    ...(nodes.length === 0 ? ['no node is there'] : [paint('dim', head.join('  '))]),
    ...body.map((cells, i) => {
      const isChosen = nodes[i]?.verdict === 'chosen'
      return isChosen ? paint('green', cells.join('  ')) : cells.join('  ')
    }),
  ]
}

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      speech: { type: 'boolean', default: false },
      url: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return void process.stdout.write(`${HELP.trim()}\n`)
  const [source, target, ...rest] = positionals
  if (!source || !target || rest.length > 0)
    throw new LinguaError('bad_request', 'two languages are needed, such as: en es')
  const { host, port } = readConfig()
  const query = { source, target, speech: values.speech ? '1' : '0' }
  const answer = await ask(values.url ?? `http://${host}:${port}`, query)
  process.stdout.write(`${show(answer, wantsColor(process.stdout)).join('\n')}\n`)
}

try {
  await run()
} catch (error) {
  process.stderr.write(`explain: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
