import { LinguaError } from '../src/protocol/codes.ts'

/** Whether a host name or address means this machine and no other can reach it. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)

/** Throws `bad_request` unless the address is reachable from this machine only. */
export function assertLoopback(host: string): void {
  if (isLoopback(host)) return
  const message =
    `HOST is ${host}, but the dashboard has no login yet and serves this machine only: ` +
    'set HOST to 127.0.0.1 for it.'
  throw new LinguaError('bad_request', message)
}
