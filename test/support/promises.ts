/** Resolves when every continuation that can run by now has run. */
export const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** What a promise has come to by now. */
export async function stateOf(promise: Promise<unknown>): Promise<string> {
  const state = promise.then(
    () => 'resolved',
    () => 'rejected',
  )
  return Promise.race([state, settled().then(() => 'pending')])
}

/** Runs `work` and answers the rejections that nobody took care of meanwhile. */
export async function unhandledIn(work: () => Promise<unknown>): Promise<readonly unknown[]> {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  try {
    await work()
    await settled()
    await settled()
  } finally {
    process.off('unhandledRejection', note)
  }
  return unhandled
}
