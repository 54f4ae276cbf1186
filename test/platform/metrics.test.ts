import { describe, expect, test } from 'vitest'
import { createMetrics } from '../../src/platform/metrics.ts'

/** Every label that an instrument of ours may have; values come from the closed lists of the protocol. */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  linguamq_sessions: [],
  linguamq_cuts_total: ['reason'],
  linguamq_outcomes_total: ['outcome', 'code'],
  linguamq_outcomes_filtered_total: ['word'],
  linguamq_routes_total: ['kind', 'decision'],
  linguamq_stage_seconds: ['stage'],
  linguamq_dispatch_seconds: [],
  linguamq_settle_seconds: [],
}

const instruments = () => {
  const { registry, ...own } = createMetrics(() => 0)
  return { registry, own: Object.values(own) }
}

/** Names of metrics of the process itself, as prom-client gives them, with the prefix before each. */
const ofProcess = (name: string): boolean => /^linguamq_(process|nodejs)_/.test(name)

describe('every metric', () => {
  test('has a name that begins with linguamq_, and a help text', async () => {
    const all = await instruments().registry.getMetricsAsJSON()
    expect(all.length).toBeGreaterThan(Object.keys(LABELS).length)
    for (const { name, help } of all) {
      expect(name).toMatch(/^linguamq_[a-z0-9_]+$/)
      expect(help).toMatch(/.{10,}/)
    }
  })

  test('is a known one', async () => {
    const names = (await instruments().registry.getMetricsAsJSON()).map(({ name }) => name)
    const known = names.filter((name) => !ofProcess(name))
    expect(known.toSorted()).toEqual(Object.keys(LABELS).toSorted())
  })

  test('has no label but those of its closed set', () => {
    const { registry } = instruments()
    for (const [name, labels] of Object.entries(LABELS))
      expect(registry.getSingleMetric(name)).toMatchObject({ labelNames: labels })
  })

  test('refuses a label of any other name', () => {
    const { cuts } = createMetrics(() => 0)
    const labels: Record<string, string> = { session: 's-1' }
    expect(() => cuts.inc(labels)).toThrow('session')
  })
})

describe('the instruments', () => {
  test('of two schedulers in one process do not meet', async () => {
    const [one, two] = [createMetrics(() => 1), createMetrics(() => 2)]
    one.cuts.inc({ reason: 'close' })
    expect(await one.registry.getSingleMetricAsString('linguamq_cuts_total')).toContain('} 1')
    expect(await two.registry.getSingleMetricAsString('linguamq_cuts_total')).not.toContain('}')
  })

  test('count sessions as they are when they are asked', async () => {
    let sessions = 0
    const { registry } = createMetrics(() => sessions)
    sessions = 7
    expect(await registry.getSingleMetricAsString('linguamq_sessions')).toContain('sessions 7')
  })

  test('measure the lag of the event loop', async () => {
    const names = (await instruments().registry.getMetricsAsJSON()).map(({ name }) => name)
    expect(names).toContain('linguamq_nodejs_eventloop_lag_seconds')
  })

  test('tell apart times from a millisecond to half a minute', async () => {
    const { registry, settleSeconds } = createMetrics(() => 0)
    settleSeconds.observe(0.0008)
    settleSeconds.observe(29)
    const text = await registry.getSingleMetricAsString('linguamq_settle_seconds')
    expect(text).toContain('linguamq_settle_seconds_bucket{le="0.001"} 1')
    expect(text).toContain('linguamq_settle_seconds_bucket{le="10"} 1')
    expect(text).toContain('linguamq_settle_seconds_bucket{le="30"} 2')
  })
})
