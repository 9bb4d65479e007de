/** Appends that a log has taken and not answered yet. It answers in append order, so the first one is the lowest. */
export class InFlight<T extends { readonly firstSequence: number }> {
  readonly #appends = new Set<T>()
  #last: T | undefined

  add(append: T): void {
    this.#appends.add(append)
    this.#last = append
  }

  delete(append: T): void {
    this.#appends.delete(append)
  }

  /** The latest one; undefined: everything was answered. */
  get last(): T | undefined {
    return this.#appends.size === 0 ? undefined : this.#last
  }

  /** Infinity: everything was answered. */
  lowestSequence(): number {
    for (const append of this.#appends) return append.firstSequence
    return Number.POSITIVE_INFINITY
  }
}
