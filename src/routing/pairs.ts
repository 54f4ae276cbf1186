import type { Redis } from 'ioredis'
import { pairName } from '../../lua/fleet.ts'
import type { Keys } from '../../lua/keys.ts'
import { LinguaError } from '../protocol/codes.ts'

/** Languages as a session or an utterance asks for them. */
interface Wanted {
  readonly source: string
  readonly candidates?: readonly string[] | undefined
  readonly target: string
}

export interface ServedPairs {
  /**
   * Throws `unsupported_pair`, naming the pairs served now, unless some ready node serves every direction
   * that the request may need. Speech is not asked for: where nobody speaks, the text is served.
   */
  assertServed(request: Wanted): Promise<void>
}

const RETRY_MS = 1000

/** Reads what the fleet serves at this moment. */
export function createServedPairs(deps: {
  readonly control: Redis
  readonly keys: Keys
}): ServedPairs {
  const { control, keys } = deps
  const isServed = async (pairs: readonly string[]): Promise<boolean> => {
    if (pairs.length === 0) return false
    const sets = pairs.map((pair) => keys.profilesOf(pair))
    return (await control.sintercard(sets.length, sets, 'LIMIT', 1)) > 0
  }
  return {
    async assertServed(request) {
      const wanted = pairsFor({ ...request, speech: false })
      if (await isServed(wanted)) return
      const all = await control.smembers(keys.pairs)
      const pairs = all.filter((pair) => !pair.includes('+')).toSorted()
      const served = pairs.length > 0 ? `served now: ${pairs.join(', ')}` : 'no node is ready'
      throw new LinguaError('unsupported_pair', `${nameOf(wanted, request)} ${served}.`, {
        details: { pairs },
        retryAfterMs: RETRY_MS,
      })
    },
  }
}

const nameOf = (wanted: readonly string[], { source, target }: Wanted): string =>
  wanted.length > 0
    ? `No node serves ${wanted.join(' and ')};`
    : `${source} and ${target} are one language;`

/** Every direction that the node must be able to go: one, or one for each candidate of `auto`. */
export function pairsFor(request: Wanted & { readonly speech: boolean }): readonly string[] {
  const { source, candidates = [], target, speech } = request
  const sources = source === 'auto' ? candidates : [source]
  return sources.filter((each) => each !== target).map((each) => pairName(each, target, speech))
}
