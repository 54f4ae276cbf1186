import { parseArgs } from 'node:util'
import { MUTANTS } from './mutants.ts'
import { SCENARIOS } from './scenarios/scenarios.ts'

export interface Options {
  readonly seed: number
  readonly scenarios: readonly string[]
  readonly mutants: readonly string[]
  /** Length of all faults together; absent for the usual. */
  readonly minutes: number | undefined
  /** Keeps logs, traces and history of every scenario, not of broken ones only. */
  readonly keep: boolean
  readonly help: boolean
}

const names = (of: readonly { readonly name: string }[]): readonly string[] =>
  of.map(({ name }) => name)

/** Reads the command line. Throws with a sentence for people. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      scenario: { type: 'string', multiple: true },
      mutant: { type: 'string', multiple: true },
      minutes: { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const isChosen = values.scenario !== undefined || values.mutant !== undefined
  return {
    seed: numberOf('seed', values.seed) ?? Math.floor(Math.random() * 2 ** 32),
    scenarios: chosen('scenario', values.scenario, isChosen ? [] : names(SCENARIOS), SCENARIOS),
    mutants: chosen('mutant', values.mutant, isChosen ? [] : names(MUTANTS), MUTANTS),
    minutes: numberOf('minutes', values.minutes),
    keep: values.keep,
    help: values.help,
  }
}

function chosen(
  what: string,
  given: readonly string[] | undefined,
  otherwise: readonly string[],
  of: readonly { readonly name: string }[],
): readonly string[] {
  if (!given) return otherwise
  if (given.includes('all')) return names(of)
  const unknown = given.find((name) => !names(of).includes(name))
  if (unknown !== undefined)
    throw new Error(
      `--${what} ${unknown}: there is none of that name. There are\n  ${names(of).join(' ')}`,
    )
  return given
}

function numberOf(what: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${what} ${text}: not a number`)
  return value
}

export const HELP = `
Usage: npm run chaos -- [--seed N] [--scenario NAME]... [--mutant NAME]... [--minutes N] [--keep]

Starts schedulers, nodes and a Redis of its own, lets clients speak, hurts everything, and checks that
every promise held. Then takes one guard after another out of the system and sees that the checker notices.
Exits 0 if nothing was broken and every missing guard was noticed.

  --seed N         repeats the faults and the speech of a run (their timing depends on the machine)
  --scenario NAME  plays only this one, or all; may be given more than once
  --mutant NAME    takes out only this guard, or all; may be given more than once
  --minutes N      length of all scenarios' faults together; without it 15 s each. Directed scenarios, and
                   those that count, take what they need
  --keep           keeps logs and histories of all scenarios, not only of those that broke something

Scenarios
${SCENARIOS.map(({ name, what }) => `  ${name.padEnd(24)} ${what}`).join('\n')}

Guards
${MUTANTS.map(({ name, scenario }) => `  ${name.padEnd(24)} in ${scenario}`).join('\n')}
`
