import { Worker as Thread } from 'node:worker_threads'
import type { Life, NodeState, Order } from '../lua/fleet.ts'
import { entryOf } from '../src/platform/entry.ts'
import type { Vitals } from '../src/protocol/jobs.ts'

export interface LeaseData {
  readonly url: string
  readonly prefix: string
  readonly leaseMs: number
}

export interface ToLease {
  /** The life to beat for; absent between two. */
  readonly life: Life | undefined
  readonly state: NodeState
  readonly vitals: Omit<Vitals, 'loopBlockedMs'>
}

export type FromLease =
  | { readonly kind: 'up' }
  | ({ readonly incarnation: string } & (
      | { readonly kind: 'beaten'; readonly state: NodeState; readonly orders: readonly Order[] }
      | { readonly kind: 'missed'; readonly why: string }
      | { readonly kind: 'superseded' }
    ))

export interface Hearing {
  readonly order: (order: Order) => void
  readonly missed: (why: string) => void
  readonly superseded: () => void
}

/** What beats for one life after the other. */
export interface Lease {
  /** Beats for this life from now on, and tells what is heard of it. */
  begin(life: Life, on: Hearing): Beating
  close(): Promise<void>
}

export interface Beating {
  /** Asks for a state; resolves once a beat has carried it to Redis, or the life is over. */
  become(state: NodeState): Promise<void>
  end(): void
}

/**
 * Starts the thread that beats, and waits until it runs: on a busy machine that takes longer than a lease, so
 * no life begins before it, and one thread serves them all.
 */
export async function openLease(data: LeaseData, vitals: () => ToLease['vitals']): Promise<Lease> {
  const thread = new Thread(entryOf(import.meta.url, './lease-thread.ts'), { workerData: data })
  let held: HeldLife | undefined
  const pulse = (): void => {
    const state = held?.state ?? 'warming'
    thread.postMessage({ life: held?.life, state, vitals: vitals() } satisfies ToLease)
  }
  const timer = setInterval(pulse, data.leaseMs / 4)
  const close = async (): Promise<void> => {
    clearInterval(timer)
    await thread.terminate()
  }
  const up = new Promise<void>((resolve, reject) => {
    thread.on('message', (news: FromLease) => {
      if (news.kind === 'up') return resolve()
      const hearing = held?.life.incarnation === news.incarnation ? held : undefined
      // One that is over is not beaten for again.
      if (hearing && news.kind === 'superseded') held = undefined
      hearing?.hear(news)
    })
    thread.once('error', reject)
  })
  await up.catch(async (error: unknown) => {
    await close()
    throw error
  })
  // Without what beats a node is nothing: an error of the thread from here on ends the process.
  thread.removeAllListeners('error')
  return {
    begin(life, on) {
      const own = new HeldLife(life, on)
      held = own
      pulse()
      return {
        become(state) {
          const done = own.become(state)
          pulse()
          return done
        },
        end() {
          own.end()
          if (held === own) held = undefined
          pulse()
        },
      }
    },
    close,
  }
}

/** A life as its main thread sees it: what it wants to be, and who waits until Redis knows. */
class HeldLife {
  readonly life: Life
  readonly on: Hearing
  state: NodeState = 'warming'
  #isOver = false
  readonly #waiting = new Set<{ readonly state: NodeState; readonly resolve: () => void }>()

  constructor(life: Life, on: Hearing) {
    this.life = life
    this.on = on
  }

  become(state: NodeState): Promise<void> {
    this.state = state
    return new Promise((resolve) => {
      // It may be over before anybody asked for anything.
      if (this.#isOver) resolve()
      else this.#waiting.add({ state, resolve })
    })
  }

  hear(news: Exclude<FromLease, { readonly kind: 'up' }>): void {
    switch (news.kind) {
      case 'superseded':
        this.end()
        this.on.superseded()
        return
      case 'missed':
        this.on.missed(news.why)
        return
      case 'beaten':
        this.#release((wanted) => wanted === news.state)
        for (const order of news.orders) this.on.order(order)
    }
  }

  end(): void {
    this.#isOver = true
    this.#release(() => true)
  }

  #release(reached: (wanted: NodeState) => boolean): void {
    for (const each of this.#waiting)
      if (reached(each.state)) {
        this.#waiting.delete(each)
        each.resolve()
      }
  }
}
