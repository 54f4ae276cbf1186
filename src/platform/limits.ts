/** Sizes and times that are part of the design and no setting. All durations in ms. */
export const LIMITS = {
  /** Largest chunk, bytes. */
  maxChunkBytes: 256 * 1024,
  /** Largest frame that is still read, so that a chunk over its limit can be answered, bytes. */
  maxFrameBytes: 1024 * 1024,
  /** Audio may run ahead of its rate by this much. */
  burstMs: 30_000,
  /** Audio that a session may send for every second of time, as a multiple. */
  audioRate: 2,
  /** After a refusal for too much audio the client waits until it may send this much at once. */
  refusedWorthMs: 5000,
  /** With more audio of a session than this on its way to Redis nothing is read from its client. */
  underWayMs: 4000,
  /** The same where so much of all sessions is on its way: speech that is not hurried stays below it. */
  paceMs: 500,
  allUnderWayMs: 20_000,
  /** Audio that may still come in spite of refusals; what comes beyond ends the connection. */
  excessMs: 15_000,
  /** For so long at a time nothing is read from a client that sends too much. */
  holdMs: 500,
  /** Sessions that one subject may have at a time, where subjects are known. */
  maxSessionsOfSubject: 32,
  tooManyRetryMs: 5000,
  /** Finalized utterances without an outcome that a session may have. */
  maxUnfinished: 8,
  /** How long a client waits that has too much unfinished, unless it is told earlier. */
  overloadedRetryMs: 1000,
  /** Results that wait for their acknowledgement. */
  maxOutbox: 1000,
  outboxTtlMs: 600_000,
  /** How long the keys of a session outlive its last sign of life. */
  sessionLifeMs: 600_000,
  segmentLifeMs: 600_000,
  /** How long the audio of an utterance outlives its outcome: longer than Redis may come back older. */
  settledAudioLifeMs: 10_000,
  /** How long a finished job stays to be looked at. */
  finishedJobLifeMs: 600_000,
  /** How long an attempt record outlives the outcome. */
  settledRecordLifeMs: 60_000,
  nodeRecordLifeMs: 600_000,
  pauseMs: 500,
  maxDurationMs: 12_000,
  closeDrainMs: 30_000,
  /** What is played to a speaker keeps pauses from cutting for no longer than this. */
  playbackMs: 30_000,
  /** A socket lost for this long ends the utterance that is open. */
  disconnectMs: 3000,
  /** Processing budget of an attempt: this and twice the length of its audio. */
  budgetMs: 10_000,
  /** Before an utterance goes back to a node it has been on. */
  retryBackoffMs: 250,
  /** Errors, and re-homes, of one utterance. */
  maxAttempts: 3,
  /** How often the watch looks. */
  watchMs: 250,
  /** How often a gateway says that its sessions are alive, at least. */
  touchMs: 15_000,
  /** How often the watch looks at an orphan until it can be closed. */
  orphanMs: 2000,
} as const

/**
 * What a lease of `leaseMs` means: a beat is a quarter of it. Where nobody, node or watch, has told the time for
 * longer than that, it was an outage; shorter ones count as silence, so many in a row must not make up a lease.
 */
export const leasePolicy = (leaseMs: number) => ({
  leaseMs,
  recordLifeMs: LIMITS.nodeRecordLifeMs,
  graceMs: Math.max(leaseMs / 4, 2 * LIMITS.watchMs),
})
