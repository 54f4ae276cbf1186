import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SETTINGS } from '../../src/platform/config.ts'
import { ERROR_CODES } from '../../src/protocol/codes.ts'

const README = new URL('../../README.md', import.meta.url)

function settingsTable(): string {
  const rows = Object.entries(SETTINGS.shape).map(([name, setting]) => {
    const fallback: unknown = setting.safeParse(undefined).data
    return `| \`${name}\` | ${fallback === undefined ? '' : `\`${shown(fallback)}\``} | ${setting.description ?? ''} |`
  })
  return ['', '| name | default | meaning |', '|---|---|---|', ...rows, ''].join('\n')
}

const shown = (value: unknown): string =>
  typeof value === 'boolean' ? String(Number(value)) : String(value)

function codesTable(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, text]) => `| \`${code}\` | ${text} |`)
  return ['', '| code | meaning |', '|---|---|', ...rows, ''].join('\n')
}

test.for([
  ['settings', settingsTable()],
  ['codes', codesTable()],
] as const)('the %s of the README are those of the code', ([name, table]) => {
  const text = readFileSync(README, 'utf8')
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const from = text.indexOf(begin) + begin.length
  const to = text.indexOf(end)
  const updated = `${text.slice(0, from)}${table}${text.slice(to)}`
  if (process.env['UPDATE_README']) writeFileSync(README, updated)
  expect(readFileSync(README, 'utf8')).toBe(updated)
})

test('every script that the README names is there', () => {
  const text = readFileSync(README, 'utf8')
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  )
  const named = [...text.matchAll(/npm (?:run )?(start|test|[a-z]+)(?=[\s`])/g)].map(
    ([, name]) => name,
  )
  expect(named.filter((name) => name !== 'run' && !Object.hasOwn(scripts, name ?? ''))).toEqual([])
})
