/** BullMQ's words for a child that is not this node's any more: gone, or its lock gone or another's. */
const LATE_CODES: ReadonlySet<unknown> = new Set([-1, -2, -6])

/** Results that came too late: their attempt was cut loose, and Redis did not let them in. */
export class LateResults {
  #count = 0
  #last = ''

  get count(): number {
    return this.#count
  }

  /** Whether an error of the worker tells of one. It tells twice: of the result, then of the failure to tell it. */
  note(error: Error): boolean {
    const isLate = 'code' in error && LATE_CODES.has(error.code)
    if (isLate && error.message !== this.#last) this.#count += 1
    if (isLate) this.#last = error.message
    return isLate
  }
}
