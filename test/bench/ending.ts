export interface Ending {
  /** Aborts at the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
  /** What to exit with then; 0 while there was none. */
  readonly exitCode: () => number
}

/** Under npm one Ctrl-C arrives twice, from the terminal and from npm. */
const ECHO_MS = 500

/** Ctrl-C and SIGTERM end everything in order; asked again, at once. */
export function listenForEnding(): Ending {
  const ending = new AbortController()
  let code = 0
  let endedAt = 0
  for (const [signal, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.on(signal, () => {
      if (code > 0 && performance.now() - endedAt > ECHO_MS) process.exit(exit)
      if (code > 0) return
      code = exit
      endedAt = performance.now()
      ending.abort(new Error(signal))
    })
  return { signal: ending.signal, exitCode: () => code }
}
