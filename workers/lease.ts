import { Worker as Thread } from 'node:worker_threads'
import type { Life, NodeState, Order } from '../lua/fleet.ts'
import { entryOf } from '../src/platform/entry.ts'
import type { Vitals } from '../src/protocol/jobs.ts'

export interface LeaseData {
  readonly url: string
  readonly prefix: string
  readonly life: Life
  readonly leaseMs: number
}

export interface ToLease {
  readonly state: NodeState
  readonly vitals: Omit<Vitals, 'loopBlockedMs'>
}

export type FromLease =
  | { readonly kind: 'beaten'; readonly state: NodeState; readonly orders: readonly Order[] }
  | { readonly kind: 'missed'; readonly why: string }
  | { readonly kind: 'superseded' }

export interface Lease {
  /** Asks for a state; resolves once a beat has carried it to Redis, or the lease is gone. */
  become(state: NodeState): Promise<void>
  stop(): Promise<void>
}

/** Starts the thread that beats for this life of the node. */
export function startLease(
  data: LeaseData,
  on: {
    readonly vitals: () => ToLease['vitals']
    readonly order: (order: Order) => void
    readonly missed: (why: string) => void
    readonly superseded: () => void
  },
): Lease {
  const thread = new Thread(entryOf(import.meta.url, './lease-thread.ts'), { workerData: data })
  let state: NodeState = 'warming'
  const waiting: { readonly state: NodeState; readonly resolve: () => void }[] = []
  const pulse = (): void => thread.postMessage({ state, vitals: on.vitals() } satisfies ToLease)
  const timer = setInterval(pulse, data.leaseMs / 4)
  const release = (reached: (wanted: NodeState) => boolean): void => {
    for (const each of [...waiting])
      if (reached(each.state)) waiting.splice(waiting.indexOf(each), 1)[0]?.resolve()
  }
  const end = (): void => {
    clearInterval(timer)
    release(() => true)
  }
  thread.on('message', (news: FromLease) => {
    if (news.kind === 'superseded') {
      end()
      on.superseded()
      return
    }
    if (news.kind === 'missed') {
      on.missed(news.why)
      return
    }
    release((wanted) => wanted === news.state)
    for (const order of news.orders) on.order(order)
  })
  thread.on('error', () => {
    end()
    on.superseded()
  })
  return {
    become(wanted) {
      state = wanted
      const done = new Promise<void>((resolve) => void waiting.push({ state: wanted, resolve }))
      pulse()
      return done
    },
    async stop() {
      end()
      await thread.terminate()
    },
  }
}
