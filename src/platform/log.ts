import { pino, type Logger } from 'pino'

export type Log = Logger

/** One JSON line for each state change, on standard output. Never audio; transcripts only at debug. */
export function createLog(level: string, process: string): Log {
  return pino({ level, base: { process, pid: globalThis.process.pid } })
}
