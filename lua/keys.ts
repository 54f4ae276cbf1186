import type {
  AttemptId,
  GatewayId,
  Incarnation,
  JobId,
  NodeId,
  SessionId,
} from '../src/protocol/ids.ts'
import { UTTERANCES } from '../src/protocol/jobs.ts'

/** Every key of the control plane: one prefix, one hash slot, one accessor for each. */
export interface Keys {
  /** Prefix of these keys and of BullMQ's. */
  readonly prefix: string
  readonly nodes: string
  readonly fencing: string
  readonly clock: string
  readonly sessions: string
  readonly heads: string
  readonly deadlines: string
  /** The lists of waiting utterances that are not empty. */
  readonly waiting: string
  /** Pairs that somebody serves. */
  readonly pairs: string
  waitingFor(list: string): string
  /** The profiles that serve a pair. */
  profilesOf(pair: string): string
  /** Nodes of one profile by estimated wait. */
  profile(id: string): string
  unable(id: NodeId, pair: string): string
  node(id: NodeId): string
  orders(id: NodeId, life: Incarnation): string
  slots(id: NodeId, life: Incarnation): string
  /** What a subject has open, where subjects are limited. */
  sessionsOf(subject: string): string
  session(id: SessionId): string
  order(id: SessionId): string
  held(id: SessionId): string
  outcomes(id: SessionId): string
  outbox(id: SessionId): string
  dedup(id: SessionId): string
  home(id: SessionId): string
  attempt(job: JobId): string
  /** BullMQ's hash of the job of an utterance. */
  parent(job: JobId): string
  /** Channel that wakes a gateway. */
  gateway(id: GatewayId): string
  /** Channel that tells a node at once what its next beat would. */
  nodeOrders(id: NodeId): string
}

export function createKeys(prefix: string): Keys {
  return {
    prefix,
    nodes: `${prefix}:nodes`,
    fencing: `${prefix}:fencing`,
    clock: `${prefix}:clock`,
    sessions: `${prefix}:sessions`,
    heads: `${prefix}:heads`,
    deadlines: `${prefix}:deadlines`,
    waiting: `${prefix}:waiting`,
    pairs: `${prefix}:pairs`,
    waitingFor: (list) => `${prefix}:waiting:${list}`,
    profilesOf: (pair) => `${prefix}:pair:${pair}`,
    profile: (id) => `${prefix}:profile:${id}`,
    unable: (id, pair) => `${prefix}:unable:${id}:${pair}`,
    node: (id) => `${prefix}:node:${id}`,
    orders: (id, life) => `${prefix}:orders:${id}-${life}`,
    slots: (id, life) => `${prefix}:slots:${id}-${life}`,
    sessionsOf: (subject) => `${prefix}:subject:${subject}`,
    session: (id) => `${prefix}:session:${id}`,
    order: (id) => `${prefix}:order:${id}`,
    held: (id) => `${prefix}:held:${id}`,
    outcomes: (id) => `${prefix}:outcomes:${id}`,
    outbox: (id) => `${prefix}:outbox:${id}`,
    dedup: (id) => `${prefix}:dedup:${id}`,
    home: (id) => `${prefix}:home:${id}`,
    attempt: (job) => `${prefix}:attempt:${job}`,
    parent: (job) => `${prefix}:${UTTERANCES}:${job}`,
    gateway: (id) => `${prefix}:gateway:${id}`,
    nodeOrders: (id) => `${prefix}:orders:${id}`,
  }
}

/** Keys of the audio plane: tagged by session, so that they spread over any Cluster. */
export interface AudioKeys {
  audio(session: SessionId): string
  segment(session: SessionId, index: number): string
  speech(session: SessionId, index: number, attempt: number): string
}

/** The audio plane drops the prefix's own hash tag: `{lingua}` becomes `lingua:audio:{<session>}`. */
export function createAudioKeys(prefix: string): AudioKeys {
  const base = `${prefix.replaceAll(/[{}]/g, '')}:audio`
  return {
    audio: (session) => `${base}:{${session}}`,
    segment: (session, index) => `${base}:{${session}}:${index}`,
    speech: (session, index, attempt) => `${base}:{${session}}:${index}:speech:${attempt}`,
  }
}

/** The queue of one life of a node. */
export const nodeQueue = (id: NodeId, life: Incarnation): string => `node-${id}-${life}`

/** What a child is called inside BullMQ's bookkeeping of its parent. */
export const childKey = (prefix: string, queue: string, child: AttemptId): string =>
  `${prefix}:${queue}:${child}`
