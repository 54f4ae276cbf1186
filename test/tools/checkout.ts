import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { test as base } from 'vitest'

const TOOLS = fileURLToPath(new URL('../../src/tools/', import.meta.url))
const NOBODY = 65_534

export const ENGINES = [
  'libpocketsphinx3',
  'pocketsphinx-en-us',
  'pocketsphinx-testdata',
  'apertium',
  'apertium-eng-spa',
  'espeak-ng',
]
export const PACKAGES = ['redis-server', ...ENGINES]

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A small checkout of its own and a PATH on which there is only what the test puts there. */
export interface Checkout {
  readonly folder: string
  write(file: string, content: string): Promise<void>
  read(file: string): Promise<string>
  /** Puts a shell script on PATH; it may append to `$LOG`. */
  program(name: string, script: string): Promise<void>
  /** Has dpkg say that these packages are installed. */
  installed(packages: readonly string[]): Promise<void>
  /** What the programs appended to `$LOG`, line by line. */
  log(): Promise<readonly string[]>
  /** Runs the set-up as an ordinary user. */
  setUp(args: readonly string[], options?: SetUpOptions): Promise<Outcome>
}

interface SetUpOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly nodeArgs?: readonly string[]
}

async function createCheckout(folder: string): Promise<Checkout> {
  const at = (file: string): string => join(folder, file)
  const write = async (file: string, content: string): Promise<void> => {
    await mkdir(dirname(at(file)), { recursive: true })
    await writeFile(at(file), content)
  }
  const program = async (name: string, script: string): Promise<void> => {
    await write(name, `#!/bin/sh\n${script}\n`)
    await chmod(at(name), 0o755)
  }
  const read = (file: string): Promise<string> => readFile(at(file), 'utf8')
  return {
    folder,
    write,
    read,
    program: (name, script) => program(`bin/${name}`, script),
    installed: (packages) =>
      program('bin/dpkg-query', packages.map((name) => `echo '${name} installed'`).join('\n')),
    log: async () => (await read('log').catch(() => '')).split('\n').filter(Boolean),
    setUp: (args, options = {}) => setUp(folder, args, options),
  }
}

async function setUp(
  folder: string,
  args: readonly string[],
  { env = {}, nodeArgs = [] }: SetUpOptions,
): Promise<Outcome> {
  const setup = join(folder, 'src/tools/setup.mjs')
  const child = spawn(process.execPath, [...nodeArgs, setup, ...args], {
    env: { PATH: join(folder, 'bin'), LOG: join(folder, 'log'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(process.getuid?.() === 0 && { uid: NOBODY, gid: NOBODY }),
  })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ])
  return { code, stdout, stderr }
}

/** A checkout whose npm packages and Debian packages are there, and whose compiler only copies. */
export const test = base.extend('checkout', async ({}, { onCleanup }) => {
  const folder = await mkdtemp(join(tmpdir(), 'setup-'))
  onCleanup(() => rm(folder, { recursive: true, force: true }))
  const checkout = await createCheckout(folder)
  await cp(TOOLS, join(folder, 'src/tools'), { recursive: true })
  const lock = JSON.stringify({ packages: { '': {}, 'node_modules/a': { version: '1.0.0' } } })
  await checkout.write('package-lock.json', lock)
  await checkout.write('node_modules/.package-lock.json', lock)
  await checkout.write('node_modules/a/package.json', '{}')
  await checkout.write('tsconfig.json', '{}')
  await checkout.write('tsconfig.build.json', '{}')
  await checkout.write('workers/main.ts', '')
  await checkout.write('lua/fleet/beat-1.lua', 'return 1')
  await checkout.program('flock', 'exec /usr/bin/flock "$@"')
  await checkout.program('env', 'exec /usr/bin/env "$@"')
  await checkout.program('../node_modules/.bin/tsc', COMPILER)
  await checkout.installed(PACKAGES)
  await openToAll(folder)
  return checkout
})

const COMPILER = `
PATH=/usr/bin:/bin
echo "tsc $*" >> "$LOG"
for file in $(find src workers -name '*.ts'); do
  mkdir -p "dist/$(dirname "$file")"
  cp "$file" "dist/\${file%.ts}.js"
done`

async function openToAll(folder: string): Promise<void> {
  const done = spawn('chmod', ['-R', 'a+rwX', folder])
  await once(done, 'exit')
}
