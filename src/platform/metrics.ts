import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Every instrument of a scheduler. Labels take their values from the protocol's closed lists only. */
export interface Metrics {
  readonly registry: Registry
  readonly cuts: Counter<'reason'>
  readonly outcomes: Counter<'outcome' | 'code'>
  readonly filtered: Counter<'word'>
  readonly routes: Counter<'kind' | 'decision'>
  readonly stageSeconds: Histogram<'stage'>
  readonly dispatchSeconds: Histogram
  readonly settleSeconds: Histogram
}

/** Instruments of one process, in a registry of its own. `sessions` is read at each scrape. */
export function createMetrics(sessions: () => number): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'linguamq_' })
  const registers = [registry]
  new Gauge({
    name: 'linguamq_sessions',
    help: 'Sessions whose connection this process holds',
    registers,
    collect() {
      this.set(sessions())
    },
  })
  return {
    registry,
    cuts: new Counter({
      name: 'linguamq_cuts_total',
      help: 'Utterances finalized here, by reason',
      labelNames: ['reason'],
      registers,
    }),
    outcomes: new Counter({
      name: 'linguamq_outcomes_total',
      help: 'Outcomes settled here, by outcome and error code',
      labelNames: ['outcome', 'code'],
      registers,
    }),
    filtered: new Counter({
      name: 'linguamq_outcomes_filtered_total',
      help: 'Outcomes that did not count, by the reason',
      labelNames: ['word'],
      registers,
    }),
    routes: new Counter({
      name: 'linguamq_routes_total',
      help: 'Routing decisions made here, by kind and why that node',
      labelNames: ['kind', 'decision'],
      registers,
    }),
    stageSeconds: new Histogram({
      name: 'linguamq_stage_seconds',
      help: 'Time that a node spent in a stage, as the node measured it',
      labelNames: ['stage'],
      buckets: SECONDS,
      registers,
    }),
    dispatchSeconds: new Histogram({
      name: 'linguamq_dispatch_seconds',
      help: 'From the entry of the parent to its child in the queue of a node',
      buckets: SECONDS,
      registers,
    }),
    settleSeconds: new Histogram({
      name: 'linguamq_settle_seconds',
      help: 'Settling an outcome, the round trip to Redis included',
      buckets: SECONDS,
      registers,
    }),
  }
}
