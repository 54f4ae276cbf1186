/** Who listens to what: a typed, minimal event emitter that runs in browsers too. */
export class Listeners<Events extends object> {
  readonly #sets: { [E in keyof Events]?: Set<(payload: Events[E]) => void> } = {}

  /** Calls `listener` on every event of that name until the returned function is called. */
  on<E extends keyof Events>(event: E, listener: (payload: Events[E]) => void): () => void {
    const set = (this.#sets[event] ??= new Set())
    set.add(listener)
    return () => {
      set.delete(listener)
    }
  }

  /** Calls every listener in order of subscription; what one throws goes to the caller. */
  emit<E extends keyof Events>(event: E, payload: Events[E]): void {
    for (const listener of [...(this.#sets[event] ?? [])]) listener(payload)
  }
}
