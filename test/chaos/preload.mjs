// Preloaded into every process of the system: names the scripts that it runs and writes down what they
// answer (CHAOS_TRACE, a file), and strikes the process at named ones (CHAOS_STRIKES, JSON). Nothing of
// this is known to the product.
import { createHash } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { Redis } from 'ioredis'

/** Scripts whose calls are written down. */
const TRACED = new Set([
  'addStandardJob',
  'appendAudio',
  'beatNode',
  'cutAudio',
  'moveToFinished',
  'openAudio',
  'progress',
  'registerNode',
  'route',
  'settle',
  'startSession',
])
/** A child's id: BullMQ packs it among other things. */
const CHILD = /u_[A-Za-z0-9.-]+_\d+\.\d+/
const LONGEST = 400

const file = process.env.CHAOS_TRACE
/** @type {{ script: string, when: 'before' | 'after', nth: number, match?: string, signal: string, seen?: number }[]} */
const strikes = JSON.parse(process.env.CHAOS_STRIKES ?? '[]')
/** Names by the text of the script and by its hash. */
const names = new Map()
const known = new WeakSet()
/** Calls that Redis had no script for: the client library sends each of them again by itself. */
const unloaded = new Set()
// oxlint-disable-next-line typescript/unbound-method -- called with their own `this` below
const { defineCommand, sendCommand } = Redis.prototype

Redis.prototype.defineCommand = function (name, definition) {
  if (!names.has(definition.lua)) {
    // BullMQ's end in its version, ours in the number of their keys.
    const short = name.split(':')[0].replace(/-\d+$/, '')
    names.set(definition.lua, short)
    names.set(createHash('sha1').update(definition.lua).digest('hex'), short)
  }
  return defineCommand.call(this, name, definition)
}

Redis.prototype.sendCommand = function (command, ...rest) {
  const isScript = command.name === 'evalsha' || command.name === 'eval'
  const name = isScript ? names.get(command.args[0]) : command.name
  if (name !== undefined && !known.has(command)) {
    known.add(command)
    observe(name, command)
  }
  return sendCommand.call(this, command, ...rest)
}

function observe(name, command) {
  const [keys, args] = split(command)
  const call = JSON.stringify([name, keys, args])
  const isRepeat = unloaded.delete(call)
  const due = strikes.filter((each) => isHit(each, name, keys, args))
  strike(due, 'before')
  const isTraced = file !== undefined && TRACED.has(name)
  if (!isTraced && due.length === 0) return
  const sentAt = Date.now()
  // A node that dies at its work has begun it all the same.
  if (isTraced && name === 'progress' && !isRepeat) write({ name, keys, args, sentAt })
  const { resolve, reject } = command
  command.reject = (error) => {
    if (error.message.includes('NOSCRIPT')) unloaded.add(call)
    reject.call(command, error)
  }
  command.resolve = (value) => {
    if (isTraced && name !== 'progress') write({ name, keys, args, sentAt, reply: plain(value) })
    strike(due, 'after')
    resolve.call(command, value)
  }
}

function split({ args }) {
  const keys = Number(args[1])
  if (!Number.isInteger(keys)) return [[], args.map(textOf)]
  return [args.slice(2, 2 + keys).map(String), args.slice(2 + keys).map(textOf)]
}

/** What can be read of an argument: bytes are only counted, but for the id of a child in them. */
function textOf(arg) {
  if (Buffer.isBuffer(arg)) return CHILD.exec(arg.toString('latin1'))?.[0] ?? `${arg.length} bytes`
  return String(arg).slice(0, LONGEST)
}

const plain = (value) => {
  if (Array.isArray(value)) return value.map(plain)
  return Buffer.isBuffer(value) ? value.toString().slice(0, LONGEST) : value
}

function write(line) {
  const about = { at: Date.now(), pid: process.pid }
  appendFileSync(file, `${JSON.stringify({ ...about, ...line })}\n`)
}

function isHit(each, name, keys, args) {
  if (each.script !== name) return false
  if (each.match !== undefined && ![...keys, ...args].some((text) => text.includes(each.match)))
    return false
  each.seen = (each.seen ?? 0) + 1
  return each.seen === each.nth
}

function strike(due, when) {
  for (const each of due) if (each.when === when) process.kill(process.pid, each.signal)
}
