/** What is to happen, in the order of virtual time. */
export interface Agenda {
  /** The instant, ms. */
  readonly now: number
  /** Adds a step `ms` from now; steps of one instant go in the order they were added. */
  after(ms: number, step: () => Promise<void>): void
  /** Takes step after step until none is left. */
  run(): Promise<void>
}

interface Entry {
  readonly at: number
  readonly turn: number
  readonly step: () => Promise<void>
}

export function createAgenda(begin: number): Agenda {
  const heap: Entry[] = []
  let now = begin
  let turns = 0
  const isBefore = (a: number, b: number): boolean => {
    const [x, y] = [heap[a], heap[b]]
    return x !== undefined && y !== undefined && (x.at - y.at || x.turn - y.turn) < 0
  }
  const swap = (a: number, b: number): void => {
    const [x, y] = [heap[a], heap[b]]
    if (x && y) [heap[a], heap[b]] = [y, x]
  }
  const pop = (): Entry | undefined => {
    swap(0, heap.length - 1)
    const first = heap.pop()
    for (let i = 0; ;) {
      let least = i
      for (const child of [2 * i + 1, 2 * i + 2]) if (isBefore(child, least)) least = child
      if (least === i) return first
      swap(i, least)
      i = least
    }
  }
  return {
    get now() {
      return now
    },
    after(ms, step) {
      heap.push({ at: Math.round(now + ms), turn: (turns += 1), step })
      for (let i = heap.length - 1; i > 0;) {
        const parent = (i - 1) >> 1
        if (!isBefore(i, parent)) break
        swap(i, parent)
        i = parent
      }
    },
    async run() {
      for (let entry = pop(); entry; entry = pop()) {
        now = entry.at
        await entry.step()
      }
    },
  }
}
