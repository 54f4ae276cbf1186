/** Ids cross every border of the system, so each kind is a type of its own. */
export type SessionId = string & { readonly __id: 'session' }
export type NodeId = string & { readonly __id: 'node' }
export type GatewayId = string & { readonly __id: 'gateway' }
/** One life of a node: Redis TIME in base 36, given at registration and never reused. */
export type Incarnation = string & { readonly __id: 'incarnation' }
/** `u_<session>_<index>`: the id of the BullMQ job, and so the idempotency key, of an utterance. */
export type JobId = string & { readonly __id: 'job' }
/** `<job>.<n>`: the id of the child job that is the n-th attempt at an utterance. */
export type AttemptId = string & { readonly __id: 'attempt' }

/** What every id on the wire looks like. */
export const ID_PATTERN = /^[A-Za-z0-9._-]{1,64}$/

export const sessionId = (id: string): SessionId => id as SessionId
export const nodeId = (id: string): NodeId => id as NodeId
export const gatewayId = (id: string): GatewayId => id as GatewayId
/** A job id that was made by `jobId` and has come back. */
export const parentId = (id: string): JobId => id as JobId
/** An attempt id that was made by `attemptId` and has come back. */
export const childId = (id: string): AttemptId => id as AttemptId
export const incarnation = (id: string): Incarnation => id as Incarnation

export const jobId = (session: SessionId, index: number): JobId => `u_${session}_${index}` as JobId
export const attemptId = (job: JobId, n: number): AttemptId => `${job}.${n}` as AttemptId

/** The parts of an attempt id, or undefined if it is not one. */
export function parseAttemptId(
  id: string,
): { session: SessionId; index: number; job: JobId; n: number } | undefined {
  const parts = /^u_(.+)_(\d+)\.(\d+)$/.exec(id)
  if (!parts) return undefined
  const [, session = '', index, n] = parts
  return {
    session: sessionId(session),
    index: Number(index),
    job: jobId(sessionId(session), Number(index)),
    n: Number(n),
  }
}
