import { readFileSync, readdirSync } from 'node:fs'
import { basename } from 'node:path'
import type { Redis } from 'ioredis'

/** `settle-8` takes a tuple of eight keys: the file name is the contract, the compiler reads it. */
type KeysOf<Name extends string> = Name extends `${string}-${infer N extends number}`
  ? Tuple<N>
  : never
type Tuple<N extends number, T extends string[] = []> = T['length'] extends N
  ? T
  : Tuple<N, [...T, string]>

export type Argument = string | number | Buffer

/** Runs one script in one round trip: by its hash, loading it where Redis does not know it. */
export type Call = <Name extends string>(
  name: Name,
  keys: KeysOf<Name>,
  args: readonly Argument[],
) => Promise<unknown>

const root = new URL('.', import.meta.url)
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8')

/** A line `--- @include "name"` stands for the text of `shared/name.lua`. */
const sources = new Map(
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.lua') && !file.startsWith('shared'))
    .map((file) => [
      basename(file, '.lua'),
      read(file).replaceAll(/^--- @include "(\w+)"$/gm, (_, name: string) =>
        read(`shared/${name}.lua`),
      ),
    ]),
)

/** Teaches a connection every script of the system. */
export function defineScripts(redis: Redis): Call {
  const commands = redis as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  for (const [name, lua] of sources)
    redis.defineCommand(name, { lua, numberOfKeys: Number(name.slice(name.lastIndexOf('-') + 1)) })
  return (name, keys, args) => {
    const command = commands[name]
    if (!command) throw new Error(`no such script: ${name}.lua`)
    return command.call(redis, ...keys, ...args)
  }
}

/** Scripts answer lists of words and numbers; this is the one place where a reply becomes typed. */
export function reply<Word extends string>(
  answer: unknown,
  words: readonly Word[],
): readonly [Word, ...string[]] {
  const [word, ...rest] = strings(answer)
  return [oneOf(words, word), ...rest]
}

/** A reply, or a list in one, as strings. */
export const strings = (answer: unknown): string[] =>
  Array.isArray(answer) ? answer.map(String) : [String(answer)]

/** A word that must be one of these. */
export function oneOf<Word extends string>(words: readonly Word[], text: string | undefined): Word {
  const known = words.find((each) => each === text)
  if (known === undefined) throw new Error(`a script answered ${text}, not ${words.join(' or ')}`)
  return known
}

/** What the typed functions of a room need: a connection that knows the scripts, names, and time. */
export interface ScriptDeps<K> {
  readonly call: Call
  readonly keys: K
  /** Instant in ms for tests; otherwise absent, and Redis TIME is what counts. */
  readonly now?: () => number
}

/** The last argument of every script that needs the time. */
export const timeOf = (deps: { readonly now?: () => number }): number | '' => deps.now?.() ?? ''
