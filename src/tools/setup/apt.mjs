import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { env, run, tail } from './terminal.mjs'

/**
 * @typedef {object} Package
 * @property {string} name
 * @property {readonly string[]} [programs] any of them on PATH will do, wherever it came from
 * @property {string} [file] shows that it is there where no dpkg can be asked
 * @property {boolean} [engine] a real engine or its data: the tests can do without
 */

const LIBRARIES = '/usr/lib'
const SPHINX = '/usr/share/pocketsphinx'

/** @type {readonly Package[]} */
export const PACKAGES = [
  { name: 'redis-server', programs: ['redis-server', 'valkey-server'] },
  { name: 'libpocketsphinx3', file: library('libpocketsphinx.so.3'), engine: true },
  { name: 'pocketsphinx-en-us', file: `${SPHINX}/model/en-us/en-us/mdef`, engine: true },
  { name: 'pocketsphinx-testdata', file: `${SPHINX}/test/data/librivox/fileids`, engine: true },
  { name: 'apertium', programs: ['apertium'], engine: true },
  { name: 'apertium-eng-spa', file: '/usr/share/apertium/modes/eng-spa.mode', engine: true },
  { name: 'espeak-ng', programs: ['espeak-ng'], engine: true },
]

/** The packages of `PACKAGES` that are not on this machine. */
export function missingPackages() {
  const installed = askDpkg()
  return PACKAGES.filter(({ name, programs = [], file }) => {
    const there = installed ? installed.has(name) : file !== undefined && existsSync(file)
    return !there && !programs.some(isOnPath)
  })
}

/**
 * Installs packages, or says why that cannot be.
 * @param {readonly Package[]} packages
 * @returns {string | undefined} undefined when they are there, else the reason
 */
export function installPackages(packages) {
  if (!isOnPath('apt-get')) return 'apt-get was not found: this is not Debian'
  const root = becomeRoot()
  if (!root) return 'this is not root, and sudo would ask for a password or is missing'
  /** @param {readonly string[]} args */
  const apt = (args) =>
    run('env', [...root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args])
  const update = apt(['update', '-qq'])
  const install = apt(['-o', 'DPkg::Lock::Timeout=120', '-qq', ...installArguments(packages)])
  if (install.ok) return undefined
  const said = update.ok ? install.output : `${update.output}\n${install.output}`
  return `apt-get failed:\n${tail(said)}`
}

/**
 * What to type instead.
 * @param {readonly Package[]} packages
 * @returns {readonly string[]}
 */
export function aptCommands(packages) {
  const sudo = isRoot() ? '' : 'sudo '
  return [`${sudo}apt-get update`, `${sudo}apt-get ${installArguments(packages).join(' ')}`]
}

/** @param {readonly Package[]} packages */
const installArguments = (packages) => [
  'install',
  '-y',
  '--no-install-recommends',
  ...packages.map(({ name }) => name),
]

const isRoot = () => process.getuid?.() === 0

/** @returns {readonly string[] | undefined} what to put before a command that needs root */
function becomeRoot() {
  if (isRoot()) return []
  return run('sudo', ['-n', 'true']).ok ? ['sudo', '-n'] : undefined
}

/** @returns {ReadonlySet<string> | undefined} undefined where there is no dpkg */
function askDpkg() {
  if (!isOnPath('dpkg-query')) return undefined
  const names = PACKAGES.map(({ name }) => name)
  const { output } = run('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\\n', ...names])
  return new Set(
    output
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0] ?? ''),
  )
}

/** @param {string} name the file of a shared library, which distributions put in different folders */
function library(name) {
  const folders = existsSync(LIBRARIES) ? readdirSync(LIBRARIES) : []
  const places = ['', ...folders.filter((folder) => folder.endsWith('-linux-gnu'))]
  const found = places
    .map((folder) => join(LIBRARIES, folder, name))
    .find((file) => existsSync(file))
  return found ?? join(LIBRARIES, name)
}

/** @param {string} program */
function isOnPath(program) {
  return (env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
