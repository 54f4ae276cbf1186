import type { Fact } from '../history.ts'
import { AUDIO_RULES } from './audio.ts'
import type { Breach, Rule, Terms } from './breach.ts'
import { DELIVERY_RULES } from './delivery.ts'
import { FAILOVER_RULES } from './failover.ts'
import { LIVENESS_RULES } from './liveness.ts'
import { OUTCOME_RULES } from './outcomes.ts'
import { viewOf } from './view.ts'

export type { Breach, PromiseId, Rule, Terms } from './breach.ts'

/** The defaults of the system. */
export const DEFAULT_TERMS: Terms = {
  leaseMs: 2000,
  overallDeadlineMs: 120_000,
  dedupWindowMs: 30_000,
  settleMs: 15_000,
}

/** Every promise that this history breaks: P1-P7, P9-P13 as far as clients and scripts can see them. */
export function checkHistory(
  facts: readonly Fact[],
  terms: Terms,
  also: Rule = () => [],
): readonly Breach[] {
  const view = viewOf(facts)
  const rules = [
    ...AUDIO_RULES,
    ...OUTCOME_RULES,
    ...DELIVERY_RULES,
    ...FAILOVER_RULES,
    ...LIVENESS_RULES,
    also,
  ]
  return rules.flatMap((rule) => rule(view, terms))
}
