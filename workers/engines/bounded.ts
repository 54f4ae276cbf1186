export interface Bounds {
  readonly timeoutMs: number
  /** What to reject with when the time is up. */
  readonly late: () => Error
  readonly signal?: AbortSignal | undefined
}

/** Settles as `work` does, unless `signal` aborts or the time is up first. It stops no work itself. */
export async function bounded<T>(work: Promise<T>, bounds: Bounds): Promise<T> {
  const { timeoutMs, late, signal } = bounds
  let stop = (): void => {}
  let timer: NodeJS.Timeout | undefined
  const bound = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), timeoutMs)
    stop = () => reject(signal?.reason)
    if (signal?.aborted) stop()
    signal?.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, bound])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}
