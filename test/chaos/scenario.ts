import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { takeCensus } from './census.ts'
import type { Chance } from './chance.ts'
import { createChatter } from './chatter.ts'
import {
  checkHistory,
  DEFAULT_TERMS,
  type Breach,
  type Rule,
  type Terms,
} from './checker/checker.ts'
import { openHistory, type Fact, type History } from './history.ts'
import { PLAIN_MIX, type Mix } from './speech.ts'
import { openStage, PREFIX, type Cast, type Stage } from './stage.ts'

/** A way to hurt the system, and what must hold all the same. */
export interface Scenario {
  readonly name: string
  /** For `--help`. */
  readonly what: string
  readonly cast: Cast
  /** Clients that speak during the faults; none in a directed scenario, which speaks itself. */
  readonly clients: number
  readonly mix?: Partial<Mix>
  readonly paceMs?: number
  readonly terms?: Partial<Terms>
  /** Hurts; `seconds` is how long a scenario that goes on should. Returns when it has done its worst. */
  faults(stage: Stage, seconds: number): Promise<void>
  /** What only this scenario can know. */
  readonly alsoCheck?: Rule
}

export interface Ran {
  readonly facts: readonly Fact[]
  readonly breaches: readonly Breach[]
  readonly terms: Terms
}

export interface RunOptions {
  readonly system: URL
  readonly folder: string
  readonly chance: Chance
  readonly seconds: number
  /** Told what goes on, one line at a time. */
  readonly tell: (line: string) => void
  /** Everything must end now. */
  readonly stop: AbortSignal
}

const CALM_MS = 1500
const UNWIND_MS = 60_000

/** Load, faults, heal, quiescence; then the verdict over all that was seen. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Ran> {
  const { system, folder, chance } = options
  const stop = AbortSignal.any([options.stop])
  await mkdir(folder, { recursive: true })
  const history = openHistory(join(folder, 'history.jsonl'))
  const stage = await openStage({ cast: scenario.cast, system, chance, history, folder, stop })
  const unwatch = watchMachine(history)
  const end = (): void => void stage.close()
  stop.addEventListener('abort', end, { once: true })
  try {
    await Promise.race([playOut(scenario, stage, { ...options, stop }), rejectsWith(stop)])
    await stage.close()
    await stage.collect()
    const facts = history.facts()
    const terms = { ...DEFAULT_TERMS, ...scenario.terms }
    return { facts, terms, breaches: checkHistory(facts, terms, scenario.alsoCheck) }
  } finally {
    stop.removeEventListener('abort', end)
    unwatch()
    await stage.close()
    await history.close()
  }
}

async function playOut(scenario: Scenario, stage: Stage, options: RunOptions): Promise<void> {
  await play(scenario, stage, options)
  options.tell('census')
  const { redis, audioRedis, history } = stage
  await takeCensus({ url: redis.url, audioUrl: audioRedis.url, prefix: PREFIX }, history)
}

async function play(scenario: Scenario, stage: Stage, options: RunOptions): Promise<void> {
  const { history, chance, urls } = stage
  const { tell, seconds, stop } = options
  const chatters = Array.from({ length: scenario.clients }, (_, i) =>
    createChatter({
      name: `client-${i + 1}`,
      urls: chance.fork(`urls ${i}`).shuffle(urls),
      chance: chance.fork(`client ${i}`),
      history,
      mix: { ...PLAIN_MIX, ...scenario.mix },
      mode: i % 4 === 3 ? 'gap' : 'manual',
      paceMs: scenario.paceMs ?? 400,
    }),
  )
  const enough = new AbortController()
  history.note({ kind: 'phase', name: 'load' })
  const speaking = chatters.map((chatter) => chatter.speak(AbortSignal.any([enough.signal, stop])))
  if (chatters.length > 0) await pause(CALM_MS, undefined, { signal: stop })
  tell('faults')
  history.note({ kind: 'phase', name: 'faults' })
  await scenario.faults(stage, seconds)
  enough.abort()
  tell('heal')
  history.note({ kind: 'phase', name: 'heal' })
  await stage.heal()
  tell('quiescence')
  const unwound = Promise.all(speaking).then(() =>
    Promise.all(chatters.map((chatter) => chatter.finish())),
  )
  await Promise.race([unwound, pause(2 * UNWIND_MS, undefined, { signal: stop, ref: false })])
  history.note({ kind: 'phase', name: 'quiet' })
}

function rejectsWith(stop: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const tell = (): void => reject(new Error('stopped', { cause: stop.reason }))
    if (stop.aborted) tell()
    stop.addEventListener('abort', tell, { once: true })
  })
}

const PULSE_MS = 50
const STARVED_MS = 250

/** Notes when this process stood still: then the others did not get their time either. */
function watchMachine(history: History): () => void {
  let last = performance.now()
  const timer = setInterval(() => {
    const ms = Math.round(performance.now() - last - PULSE_MS)
    last = performance.now()
    if (ms > STARVED_MS) history.note({ kind: 'starved', ms })
  }, PULSE_MS)
  return () => clearInterval(timer)
}
