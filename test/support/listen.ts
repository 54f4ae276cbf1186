import type { Session } from '../../src/client/client.ts'
import type { FinalResult, Result } from '../../src/protocol/events.ts'

export interface Heard {
  /** Everything the session surfaced, in order. */
  readonly results: readonly Result[]
  /** Resolves with the final result of an index. */
  final(index: number): Promise<FinalResult>
  /** Resolves when so many final results have come. */
  finals(count: number): Promise<readonly FinalResult[]>
}

/** Listens to a session from now on. */
export function listen(session: Session): Heard {
  const results: Result[] = []
  const waiting = new Set<() => void>()
  session.on('result', (result) => {
    results.push(result)
    for (const look of waiting) look()
  })
  const until = <T>(find: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = find()
        if (found === undefined) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  const finals = (): FinalResult[] => results.filter((each) => each.kind === 'final')
  return {
    results,
    final: (index) => until(() => finals().find((each) => each.index === index)),
    finals: (count) => until(() => (finals().length >= count ? finals() : undefined)),
  }
}
