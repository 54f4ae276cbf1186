import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { ENGINES, PACKAGES, test } from './checkout.ts'

const SUDO =
  'test "$1" = -n || exit 9\nshift\ntest "$1" = true && exit 0\necho "sudo $*" >> "$LOG"\nexec "$@"'
const APT = 'echo "apt-get $DEBIAN_FRONTEND $*" >> "$LOG"'

test('--help tells what it does on standard output', async ({ checkout }) => {
  const { code, stdout, stderr } = await checkout.setUp(['demo', '--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('setup.mjs demo|test|build')
  for (const name of PACKAGES) expect(stdout).toContain(name)
  expect(stderr).toBe('')
})

test.for([[[]], [['deploy']], [['demo', '--force']]] as const)(
  'arguments it does not know are refused: %j',
  async ([args], { checkout }) => {
    const { code, stderr } = await checkout.setUp(args)
    expect(code).toBe(1)
    expect(stderr).toContain(`what is "${args.join(' ')}"?`)
  },
)

test('an old Node is refused with a clear sentence before anything else', async ({ checkout }) => {
  const old = `Object.defineProperty(process.versions, 'node', { value: '20.18.3' })`
  const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(old)}`]
  const { code, stderr } = await checkout.setUp(['demo'], { nodeArgs })
  expect(code).toBe(1)
  expect(stderr).toContain('Node 20.19 or newer is needed, this one is 20.18.3')
  expect(await checkout.log()).toEqual([])
})

test('a second run has nothing to do, says nothing and takes less than a second', async ({
  checkout,
}) => {
  const first = await checkout.setUp(['demo'])
  expect(first.code).toBe(0)
  expect(first.stderr).toContain('the build: done in')
  const startedAt = performance.now()
  expect(await checkout.setUp(['demo'])).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(performance.now() - startedAt).toBeLessThan(1000)
  expect(await checkout.log()).toEqual(['tsc -p tsconfig.build.json'])
})

test('--quiet tells nothing but failures', async ({ checkout }) => {
  expect(await checkout.setUp(['build', '--quiet'])).toEqual({ code: 0, stdout: '', stderr: '' })
  await checkout.write('workers/main.ts', 'changed')
  await checkout.program('../node_modules/.bin/tsc', 'echo "main.ts: error TS1"; exit 2')
  const { code, stderr } = await checkout.setUp(['build', '--quiet'])
  expect(code).toBe(1)
  expect(stderr).toContain('the sources do not compile:\n    main.ts: error TS1')
})

test('without apt-get it names exactly what is missing, and the commands', async ({ checkout }) => {
  await checkout.installed(['apertium', 'pocketsphinx-testdata', 'libpocketsphinx3'])
  const { code, stderr } = await checkout.setUp(['demo'])
  const missing = 'redis-server pocketsphinx-en-us apertium-eng-spa espeak-ng'
  expect(code).toBe(1)
  expect(stderr).toContain(`Debian packages ${missing}: apt-get was not found`)
  expect(stderr).toContain('\n    sudo apt-get update\n')
  expect(stderr).toContain(`\n    sudo apt-get install -y --no-install-recommends ${missing}\n`)
})

test('where sudo would ask for a password it does not ask but prints the commands', async ({
  checkout,
}) => {
  await checkout.installed(PACKAGES.filter((name) => name !== 'espeak-ng'))
  await checkout.program('apt-get', APT)
  await checkout.program('sudo', 'exit 1')
  const { code, stderr } = await checkout.setUp(['demo'])
  expect(code).toBe(1)
  expect(stderr).toContain('sudo would ask for a password')
  expect(stderr).toContain('sudo apt-get install -y --no-install-recommends espeak-ng\n')
  expect(await checkout.log()).toEqual([])
})

test('by a sudo without password it refreshes the lists and installs without questions', async ({
  checkout,
}) => {
  await checkout.installed(ENGINES.slice(0, 4))
  await checkout.program('apt-get', APT)
  await checkout.program('sudo', SUDO)
  const { code, stderr } = await checkout.setUp(['demo'])
  expect(code).toBe(0)
  expect(stderr).toContain('Debian packages redis-server apertium-eng-spa espeak-ng: done in')
  const apt = (await checkout.log()).filter((line) => line.startsWith('apt-get'))
  expect(apt).toEqual([
    'apt-get noninteractive update -qq',
    expect.stringMatching(
      /^apt-get noninteractive .* install -y --no-install-recommends redis-server apertium-eng-spa espeak-ng$/,
    ),
  ])
})

test('when apt-get fails its last words and the commands are shown', async ({ checkout }) => {
  await checkout.installed(ENGINES)
  await checkout.program('sudo', SUDO)
  await checkout.program('apt-get', 'echo "E: no network for $1" >&2; exit 100')
  const { code, stderr } = await checkout.setUp(['test'])
  expect(code).toBe(1)
  expect(stderr).toContain('    E: no network for update\n')
  expect(stderr).toContain('sudo apt-get install -y --no-install-recommends redis-server\n')
})

test('any redis-server or valkey-server on PATH is as good as the package', async ({
  checkout,
}) => {
  await checkout.installed(ENGINES)
  await checkout.program('valkey-server', '')
  expect((await checkout.setUp(['demo'])).code).toBe(0)
})

test('the tests go on without engines, unless in CI', async ({ checkout }) => {
  await checkout.installed(['redis-server'])
  const here = await checkout.setUp(['test'])
  expect(here.code).toBe(0)
  expect(here.stderr).toContain(`install -y --no-install-recommends ${ENGINES.join(' ')}`)
  expect(here.stderr).toContain('the tests on the real engines will be skipped')
  const ci = await checkout.setUp(['test'], { env: { CI: '1' } })
  expect(ci.code).toBe(1)
})

test('the tests do not go on without redis-server', async ({ checkout }) => {
  await checkout.installed(ENGINES)
  expect((await checkout.setUp(['test'])).code).toBe(1)
})

test('a build needs no Debian package', async ({ checkout }) => {
  await checkout.installed([])
  expect((await checkout.setUp(['build'])).code).toBe(0)
})

test('npm packages are installed when some are missing or not those of the lock file', async ({
  checkout,
}) => {
  const install =
    'echo "npm $*" >> "$LOG"\n/bin/cp package-lock.json node_modules/.package-lock.json'
  await checkout.program('npm', install)
  const newer = JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.1' } } })
  await checkout.write('package-lock.json', newer)
  expect((await checkout.setUp(['build'])).code).toBe(0)
  await rm(join(checkout.folder, 'node_modules/.package-lock.json'))
  expect((await checkout.setUp(['build'])).code).toBe(0)
  await rm(join(checkout.folder, 'node_modules/a'), { recursive: true })
  expect((await checkout.setUp(['build'])).code).toBe(0)
  const npm = (await checkout.log()).filter((line) => line.startsWith('npm'))
  expect(npm).toEqual(Array(3).fill('npm ci --include=dev --no-audit --no-fund'))
})

test('npm packages for other platforms may be absent', async ({ checkout }) => {
  const lock = {
    packages: {
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b-darwin': { version: '1.0.0', optional: true },
    },
  }
  await checkout.write('package-lock.json', JSON.stringify(lock))
  expect((await checkout.setUp(['build'])).code).toBe(0)
})

test('when npm fails its last words and the command are shown', async ({ checkout }) => {
  await checkout.program('npm', 'echo "npm error code ENOTFOUND" >&2; exit 1')
  await rm(join(checkout.folder, 'node_modules/.package-lock.json'))
  const { code, stderr } = await checkout.setUp(['build'])
  expect(code).toBe(1)
  expect(stderr).toContain('    npm error code ENOTFOUND\n')
  expect(stderr).toContain(`run this in ${checkout.folder}, then try again:\n    npm ci`)
})

test('a build holds the Lua scripts in their folders, and nothing whose source is gone', async ({
  checkout,
}) => {
  await checkout.write('workers/old.ts', 'old')
  await checkout.setUp(['build'])
  expect(await checkout.read('dist/lua/fleet/beat-1.lua')).toBe('return 1')
  expect(await checkout.read('dist/workers/old.js')).toBe('old')
  await rm(join(checkout.folder, 'workers/old.ts'))
  await checkout.write('lua/fleet/beat-1.lua', 'return 2')
  await checkout.setUp(['build'])
  expect(await checkout.read('dist/lua/fleet/beat-1.lua')).toBe('return 2')
  await expect(checkout.read('dist/workers/old.js')).rejects.toThrow('ENOENT')
})

test('a build that failed is tried again', async ({ checkout }) => {
  const compiler = await checkout.read('node_modules/.bin/tsc')
  await checkout.program('../node_modules/.bin/tsc', 'exit 2')
  expect((await checkout.setUp(['build'])).code).toBe(1)
  await checkout.write('node_modules/.bin/tsc', compiler)
  expect((await checkout.setUp(['build'])).code).toBe(0)
  expect(await checkout.read('dist/workers/main.js')).toBe('')
})

test('of two that start at once one builds and the other waits for it', async ({ checkout }) => {
  const both = await Promise.all([checkout.setUp(['build']), checkout.setUp(['build'])])
  expect(both.map(({ code }) => code)).toEqual([0, 0])
  expect(await checkout.log()).toEqual(['tsc -p tsconfig.build.json'])
})
