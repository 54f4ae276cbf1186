import { pino, type Logger } from 'pino'

export type Log = Logger

/**
 * One JSON line for each state change, on standard output. Never audio; transcripts only at debug.
 * Written through the stream of the process: pino's own destination waits for ever at exit when the
 * reader of a pipe is gone. What cannot be written is dropped.
 */
export function createLog(level: string, name: string): Log {
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => {})
  return pino({ level, base: { process: name, pid: process.pid } }, process.stdout)
}
