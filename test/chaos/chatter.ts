import { setTimeout as pause } from 'node:timers/promises'
import type { Chance } from './chance.ts'
import type { History } from './history.ts'
import { makeUtterance, type Mix } from './speech.ts'
import { openTalk, type Talk } from './talk.ts'

/** One client that speaks and speaks. */
export interface ChatterOptions {
  readonly name: string
  readonly urls: readonly string[]
  readonly chance: Chance
  readonly history: History
  readonly mix: Mix
  readonly mode: 'manual' | 'gap'
  /** Longest pause between two utterances, ms. */
  readonly paceMs: number
}

export interface Chatter {
  /** Speaks, one session after another, until `stop` aborts. */
  speak(stop: AbortSignal): Promise<void>
  /** Waits for what is still to come and closes the last session. */
  finish(): Promise<void>
}

const MOST_UNFINISHED = 6
/** More than the pause that ends an utterance in gap mode. */
const GAP_MS = 700
const QUIET_MS = 40_000
const LOOK_MS = 20

export function createChatter(options: ChatterOptions): Chatter {
  const { name, urls, chance, history, mode } = options
  let talk: Talk | undefined
  let said = 0

  const say = async (to: Talk): Promise<void> => {
    const audio = makeUtterance(chance, options.mix, `${name}.${(said += 1)}`)
    try {
      to.append(audio)
    } catch {
      // Too much is unacknowledged, or the session is over: not said.
      return
    }
    if (mode === 'gap') {
      await pause(GAP_MS)
      return
    }
    const index = await to.commit()
    if (typeof index === 'number' && chance.isWithin(0.03)) await to.cancel(index)
  }
  const open = async (stop: AbortSignal): Promise<Talk | undefined> => {
    const speech = chance.isWithin(0.2)
    while (!stop.aborted) {
      const opened = await openTalk({ urls, client: name, history, mode, speech }).catch(() => {})
      if (opened) return opened
      await pause(100)
    }
    return undefined
  }
  /** A session's worth of utterances; says whether the session is through. */
  const chat = async (to: Talk, stop: AbortSignal): Promise<boolean> => {
    for (let left = chance.between(8, 25); left > 0; left -= 1) {
      while (to.unfinished >= MOST_UNFINISHED && !to.hasEnded && !stop.aborted) await pause(LOOK_MS)
      if (to.hasEnded) return true
      if (stop.aborted) return false
      await say(to)
      await pause(chance.between(0, options.paceMs))
    }
    return true
  }
  return {
    async speak(stop) {
      while (!stop.aborted) {
        talk = await open(stop)
        if (!talk || !(await chat(talk, stop))) continue
        await talk.close()
        talk = undefined
      }
    },
    async finish() {
      await talk?.quiet(QUIET_MS)
      await talk?.close()
    },
  }
}
