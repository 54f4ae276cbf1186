/** Named one-shot timers of one owner, so that ending it can never leave one behind. */
export class Alarms<Name extends string> {
  readonly #timers = new Map<Name, ReturnType<typeof setTimeout>>()

  /** Calls `ring` once after `ms`; an alarm of this name that is still set is replaced. */
  set(name: Name, ms: number, ring: () => void): void {
    this.clear(name)
    const timer = setTimeout(() => {
      this.#timers.delete(name)
      ring()
    }, ms)
    this.#timers.set(name, timer)
  }

  isSet(name: Name): boolean {
    return this.#timers.has(name)
  }

  clear(...names: readonly Name[]): void {
    for (const name of names) {
      clearTimeout(this.#timers.get(name))
      this.#timers.delete(name)
    }
  }

  clearAll(): void {
    this.clear(...this.#timers.keys())
  }
}
