import type { Scenario } from '../scenario.ts'
import { DIRECTED_SCENARIOS } from './directed.ts'
import { GATEWAY_SCENARIOS } from './gateways.ts'
import { NODE_SCENARIOS } from './nodes.ts'
import { OUTSIDE_SCENARIOS } from './outside.ts'
import { SCHEDULER_SCENARIOS } from './schedulers.ts'

/** Every scenario, in the order in which the suite plays them. */
export const SCENARIOS: readonly Scenario[] = [
  ...OUTSIDE_SCENARIOS,
  ...NODE_SCENARIOS,
  ...SCHEDULER_SCENARIOS,
  ...GATEWAY_SCENARIOS,
  ...DIRECTED_SCENARIOS,
]

/** Throws if there is none of that name. */
export function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((each) => each.name === name)
  if (!found) throw new Error(`there is no scenario ${name}: see --help`)
  return found
}
