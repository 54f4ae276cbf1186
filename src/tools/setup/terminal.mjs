import { spawnSync } from 'node:child_process'

/** The environment: the set-up runs before there is a configuration to read it for us. */
// oxlint-disable-next-line node/no-process-env
export const env = process.env

const coloured = process.stderr.isTTY && !env.NO_COLOR

/** @param {number} colour @param {string} text */
const paint = (colour, text) => (coloured ? `\u001B[${colour}m${text}\u001B[0m` : text)

/**
 * Writes a line for people; standard output is left to the program that runs afterwards.
 * @param {string} line
 */
export const say = (line) => void process.stderr.write(`${paint(36, 'setup')} ${line}\n`)

/**
 * Writes what went wrong.
 * @param {string} text
 */
export const complain = (text) => void process.stderr.write(`${paint(31, 'setup')} ${text}\n`)

/**
 * Runs a program to its end, without an input it could wait for.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ readonly cwd?: string }} [options]
 * @returns {{ readonly ok: boolean, readonly output: string }} `output` says why where it did not run
 */
export function run(program, args, options = {}) {
  const done = spawnSync(program, args, {
    ...options,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  })
  const output = done.error ? done.error.message : `${done.stdout}${done.stderr}`
  return { ok: done.status === 0, output }
}

/**
 * The end of an output, indented, for a message.
 * @param {string} output
 */
export const tail = (output) =>
  output
    .trimEnd()
    .split('\n')
    .slice(-12)
    .map((line) => `    ${line}`)
    .join('\n')
