/** Time as code gets it handed in, so that tests can hold it. */
export interface Clock {
  /** Monotonic, ms: to measure durations. Never compared with another process's. */
  now(): number
}

export const systemClock: Clock = { now: () => performance.now() }
