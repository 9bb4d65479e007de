/**
 * The remembered ids of replaced messages, oldest first: they may take only a part of all, or a chat that is
 * edited every second would push out the ids of everything delivered.
 */

/** An iterator keeps every table that its `Set` has outgrown until it goes on, so it must not rest for ever. */
const RENEW_AFTER_DELETES = 1_024

export class ReplacedRows {
  /** In the order of settlement. */
  readonly #rows = new Set<number>()
  /** Goes on where it stopped: a `Set` walks over all that was deleted at its front. */
  #next = this.#rows.values()
  #deletes = 0

  get count(): number {
    return this.#rows.size
  }

  add(row: number): void {
    this.#rows.add(row)
  }

  delete(row: number): void {
    this.#rows.delete(row)
    this.#deletes += 1
    if (this.#deletes % RENEW_AFTER_DELETES === 0) this.#next = this.#rows.values()
  }

  /** Takes the oldest one out; undefined: there is none. */
  takeOldest(): number | undefined {
    const { value } = this.#next.next()
    if (value !== undefined) this.#rows.delete(value)
    return value
  }

  clear(): void {
    this.#rows.clear()
    this.#next = this.#rows.values()
  }
}
