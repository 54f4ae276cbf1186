import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import type { CutReason, Outcome, Result, Stage } from '../../src/protocol/events.ts'

/** Instants are ms on the wall clock of the one machine that everything runs on. */
interface Observed {
  readonly at: number
}

/** A script of ours or of BullMQ that a process ran: sent at `sentAt`, answered at `at`. */
interface Ran extends Observed {
  readonly sentAt: number
  /** Name of the process, such as `scheduler-1`; for a node its id. */
  readonly by: string
  readonly pid: number
}

interface OfUtterance {
  readonly session: string
  readonly index: number
}

/** What a client did, heard or was refused. */
export type ClientFact = Observed & { readonly session: string } & (
    | { readonly kind: 'opened'; readonly client: string }
    | { readonly kind: 'appended'; readonly audio: string }
    | { readonly kind: 'acked'; readonly chunk: number }
    | { readonly kind: 'asked'; readonly what: string }
    | {
        readonly kind: 'answered'
        readonly what: string
        readonly index?: number | null
        readonly unfinished?: number
      }
    | {
        readonly kind: 'finalized'
        readonly index: number
        readonly reason: CutReason
        readonly startMs: number
        readonly durationMs: number
      }
    /** A result on the wire: again after a reconnect. */
    | { readonly kind: 'emitted'; readonly result: Result }
    /** A result surfaced by the client library. */
    | { readonly kind: 'delivered'; readonly result: Result }
    | { readonly kind: 'confirmed'; readonly seq: number }
    | { readonly kind: 'lost'; readonly from: number; readonly to: number }
    | { readonly kind: 'refused'; readonly code: string }
    | { readonly kind: 'ended'; readonly reason: string; readonly error?: string }
  )

/** What happened to an utterance inside the system, as the scripts that made it happen tell. */
export type UtteranceFact = Ran &
  OfUtterance &
  (
    | {
        readonly kind: 'cut'
        readonly epoch: number
        readonly base: number
        readonly bytes: number
        readonly reason: string
      }
    | {
        readonly kind: 'routed'
        readonly n: number
        readonly node: string
        readonly life: string
        /** The attempt that this one follows, 0 if none, and how it ended: '' when it was just gone. */
        readonly after: number
        readonly why: string
      }
    | { readonly kind: 'placed'; readonly n: number; readonly queue: string }
    | { readonly kind: 'progressed'; readonly n: number; readonly stage: Stage }
    /** The child ended on its node; `code` below 0 says that BullMQ did not let it in. */
    | {
        readonly kind: 'finished'
        readonly n: number
        readonly how: 'completed' | 'failed'
        readonly code: number
      }
    | {
        readonly kind: 'settled'
        /** Absent for an outcome that needs no attempt. */
        readonly attempt: number | undefined
        readonly word: string
        readonly outcome: Outcome
      }
  )

/** What happened to sessions and nodes inside the system. */
export type SystemFact = Ran &
  (
    | { readonly kind: 'started'; readonly session: string }
    | { readonly kind: 'taken'; readonly session: string; readonly epoch: number }
    | {
        readonly kind: 'stored'
        readonly session: string
        readonly epoch: number
        readonly chunk: number
      }
    | { readonly kind: 'registered'; readonly node: string; readonly life: string }
    | {
        readonly kind: 'beaten'
        readonly node: string
        readonly life: string
        readonly state: string
        readonly word: string
      }
  )

/** What the runner did to the system, and what it found when all was over. */
export type StageFact = Observed &
  (
    | { readonly kind: 'phase'; readonly name: 'load' | 'faults' | 'heal' | 'quiet' }
    | { readonly kind: 'down'; readonly who: string; readonly how: string }
    | { readonly kind: 'up'; readonly who: string }
    | { readonly kind: 'away'; readonly how: string }
    | { readonly kind: 'back' }
    /** Redis was restored from `ms` before its end. */
    | { readonly kind: 'older'; readonly ms: number }
    /** The runner itself got no processor for so long: the machine is too busy for the bounds on time. */
    | { readonly kind: 'starved'; readonly ms: number }
    | { readonly kind: 'left'; readonly what: string; readonly names: readonly string[] }
  )

export type Fact = ClientFact | UtteranceFact | SystemFact | StageFact

type WithoutTime<F> = F extends Fact ? Omit<F, 'at'> : never

/** Notes facts as they are seen, in memory and as JSON lines. */
export interface History {
  note(fact: WithoutTime<ClientFact | StageFact>): void
  /** Takes facts that others have noted, with their own times. */
  add(facts: readonly Fact[]): void
  /** Everything noted so far, by time. */
  facts(): readonly Fact[]
  close(): Promise<void>
}

export function openHistory(file: string): History {
  const lines = createWriteStream(file)
  const facts: Fact[] = []
  const put = (fact: Fact): void => {
    facts.push(fact)
    lines.write(`${JSON.stringify(fact)}\n`)
  }
  return {
    note: (fact) => put({ at: Date.now(), ...fact }),
    add: (more) => more.forEach(put),
    facts: () => facts.toSorted((a, b) => a.at - b.at),
    async close() {
      lines.end()
      await finished(lines)
    },
  }
}
