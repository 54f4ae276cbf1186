import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PACKAGES, aptCommands, installPackages, missingPackages } from './setup/apt.mjs'
import { build, buildIsStale } from './setup/build.mjs'
import { NPM_COMMAND, installModules, modulesAreStale } from './setup/npm.mjs'
import { complain, env, say } from './setup/terminal.mjs'

const HELP = `node src/tools/setup.mjs demo|test|build [--quiet] [--help]

Installs what is missing and builds what has changed; with nothing to do it says nothing.
  build   npm packages, and the build in dist
  test    also the Debian packages below; without CI the engines may be missing
  demo    also the Debian packages below, all of them
Debian packages: ${PACKAGES.map(({ name }) => name).join(' ')}

It asks no question. As root, or by a sudo that wants no password, it runs apt-get itself;
otherwise it prints the commands to run and exits 1.
  --quiet   print failures only
`
const OLDEST_NODE = [20, 19]
const LOCKED = '--locked'
const TAKEN = 75
const GOALS = ['build', 'test', 'demo']

const file = fileURLToPath(import.meta.url)
const root = resolve(dirname(file), '..', '..')

/**
 * One thing to do: what it is for people, how, and what to type where it cannot be done from here.
 * @typedef {object} Step
 * @property {string} what
 * @property {() => string | undefined} take undefined when done, else the reason
 * @property {readonly string[]} commands
 * @property {boolean} [optional]
 */

/**
 * @param {readonly string[]} args
 * @returns {number} the exit code
 */
function main(args) {
  const [goal = '', ...options] = args
  if (args.includes('--help')) {
    process.stdout.write(HELP)
    return 0
  }
  if (!GOALS.includes(goal) || options.some((each) => each !== '--quiet' && each !== LOCKED)) {
    complain(`what is "${args.join(' ')}"?\n\n${HELP}`)
    return 1
  }
  if (!nodeIsNewEnough()) return 1
  const steps = plan(goal)
  if (steps.length === 0) return 0
  if (!options.includes(LOCKED)) return runLocked(args)
  return follow(steps, options.includes('--quiet') ? () => {} : say)
}

function nodeIsNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return true
  complain(
    `Node ${OLDEST_NODE.join('.')} or newer is needed, this one is ${process.versions.node}: ` +
      'get it from https://nodejs.org/en/download',
  )
  return false
}

/**
 * @param {string} goal
 * @returns {readonly Step[]}
 */
function plan(goal) {
  /** @type {Step[]} */
  const steps = []
  const packages = goal === 'build' ? [] : missingPackages()
  const spared = goal === 'test' && !env.CI
  const engines = packages.filter(({ engine }) => engine && spared)
  const needed = packages.filter((each) => !engines.includes(each))
  if (needed.length > 0) steps.push(aptStep(needed))
  if (engines.length > 0) steps.push({ ...aptStep(engines), optional: true })
  const stale = modulesAreStale(root)
  if (stale) {
    const commands = [NPM_COMMAND]
    steps.push({ what: 'npm packages', take: () => installModules(root), commands })
  }
  if (stale || buildIsStale(root))
    steps.push({ what: 'the build', take: () => build(root), commands: [] })
  return steps
}

/**
 * @param {ReturnType<typeof missingPackages>} packages
 * @returns {Step}
 */
const aptStep = (packages) => ({
  what: `Debian packages ${packages.map(({ name }) => name).join(' ')}`,
  take: () => installPackages(packages),
  commands: aptCommands(packages),
})

/**
 * Two that start at once would install and build over each other: the second waits here, then plans
 * anew. The lock is not handed on to what is installed, some of which stays running.
 * @param {readonly string[]} args
 */
function runLocked(args) {
  const folder = join(root, '.lingua')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const again = [process.execPath, file, ...args, LOCKED]
  /** @param {readonly string[]} how */
  const flock = (...how) =>
    spawnSync('flock', ['-o', ...how, join(folder, 'setup.lock'), ...again], { stdio: 'inherit' })
  const first = flock('-n', '-E', String(TAKEN))
  if (first.error)
    return spawnSync(process.execPath, again.slice(1), { stdio: 'inherit' }).status ?? 1
  if (first.status !== TAKEN) return first.status ?? 1
  say('another set-up is at work here: waiting for it')
  return flock().status ?? 1
}

/**
 * @param {readonly Step[]} steps
 * @param {(line: string) => void} tell
 * @returns {number} the exit code
 */
function follow(steps, tell) {
  for (const { what, take, commands, optional } of steps) {
    tell(`${what} ...`)
    const startedAt = performance.now()
    const reason = take()
    if (reason === undefined) {
      tell(`${what}: done in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
      continue
    }
    const remedy = commands.map((command) => `\n    ${command}`).join('')
    const hint = remedy && `\nrun this in ${root}, then try again:${remedy}`
    complain(`${what}: ${reason}${hint}`)
    if (!optional) return 1
    tell('going on without them: the tests on the real engines will be skipped')
  }
  return 0
}

process.exitCode = main(process.argv.slice(2))
