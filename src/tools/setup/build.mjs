import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { run, tail } from './terminal.mjs'

const SOURCE_FOLDERS = ['src', 'workers', 'lua', 'dashboard']
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json']
/** Holds the fingerprint of the sources that `dist` was built from. */
const STAMP = join('dist', '.sources')

/**
 * Says whether `dist` is not what the sources now would give: a file was changed, added or removed.
 * @param {string} root
 */
export function buildIsStale(root) {
  const stamp = join(root, STAMP)
  return !existsSync(stamp) || readFileSync(stamp, 'utf8') !== fingerprint(root)
}

/**
 * Compiles the sources into `dist`, puts the Lua scripts beside them and removes what has no source.
 * @param {string} root
 * @returns {string | undefined} undefined when it is built, else the reason
 */
export function build(root) {
  const print = fingerprint(root)
  rmSync(join(root, STAMP), { force: true })
  const tsc = join(root, 'node_modules', '.bin', 'tsc')
  const { ok, output } = run(tsc, ['-p', 'tsconfig.build.json'], { cwd: root })
  if (!ok) return `the sources do not compile:\n${tail(output)}`
  const sources = listSources(root)
  for (const file of sources.filter((each) => each.endsWith('.lua'))) {
    mkdirSync(dirname(join(root, 'dist', file)), { recursive: true })
    copyFileSync(join(root, file), join(root, 'dist', file))
  }
  removeOrphans(root, sources)
  writeFileSync(join(root, STAMP), print)
  return undefined
}

/** @param {string} root @param {readonly string[]} sources */
function removeOrphans(root, sources) {
  const outputs = new Set(
    sources.flatMap((file) => {
      const name = file.replace(/\.ts$/, '.js')
      return [name, `${name}.map`]
    }),
  )
  const dist = join(root, 'dist')
  for (const file of listFiles(dist))
    if (!outputs.has(relative(dist, file))) rmSync(file, { force: true })
}

/** @param {string} root */
function fingerprint(root) {
  const hash = createHash('sha256')
  for (const file of [...SETTINGS, ...listSources(root)]) {
    const { size, mtimeMs } = statSync(join(root, file))
    hash.update(`${file} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

/** @param {string} root */
const listSources = (root) =>
  SOURCE_FOLDERS.flatMap((folder) => listFiles(join(root, folder)))
    .filter((file) => /\.(ts|lua)$/.test(file))
    .map((file) => relative(root, file))
    .toSorted((a, b) => (a < b ? -1 : 1))

/**
 * @param {string} folder
 * @returns {string[]} none if there is no such folder
 */
function listFiles(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? listFiles(path) : [path]
  })
}
