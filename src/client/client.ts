import type { StartRequest } from '../protocol/events.ts'
import { Session } from './session.ts'

export { LinguaError, type ErrorCode } from '../protocol/codes.ts'
export type {
  FinalResult,
  Finalized,
  GapMarker,
  Progress,
  Result,
  Speech,
  StartRequest,
} from '../protocol/events.ts'
export type { Closed, Session, SessionEvents } from './session.ts'

export interface ConnectOptions extends StartRequest {
  /** Sent in the handshake; needed where the gateways demand one. */
  readonly token?: string | undefined
}

/**
 * Starts a session at the first of these gateways that grants one, and resolves with it.
 * Rejects with the LinguaError of the refusal, or `dependency_down` if none can be reached after
 * three rounds. The session goes on by itself at another gateway when its own dies or drains.
 */
export async function connect(
  urls: string | readonly string[],
  { token, ...start }: ConnectOptions,
): Promise<Session> {
  const session = new Session({ urls: [urls].flat(), token, start })
  await session.opened
  return session
}
