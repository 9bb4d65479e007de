/** From so many places on it is worth the while to close up those that are empty. */
const MAX_EMPTY = 1_000

/**
 * Sequences of dead letters, in the order in which they died. Whichever leaves, the first one is at hand. (A
 * `Set` from whose front much was deleted goes through all of that for each look at its first one.)
 */
export class DeadOrder {
  /** Where each stands in `#line`; in order too. */
  readonly #places = new Map<number, number>()
  /** Some of them are gone, or stand further behind: they died again. */
  #line: number[] = []
  /** Before it there is none that counts. */
  #begin = 0

  get size(): number {
    return this.#places.size
  }

  get first(): number | undefined {
    while (this.#begin < this.#line.length && !this.#counts(this.#begin)) this.#begin += 1
    return this.#line[this.#begin]
  }

  add(sequence: number): void {
    if (this.#places.has(sequence)) return
    this.#places.set(sequence, this.#line.length)
    this.#line.push(sequence)
  }

  delete(sequence: number): void {
    this.#places.delete(sequence)
    // So many have gone since that each of those that stay is moved for one of them.
    if (this.#line.length > 2 * this.#places.size + MAX_EMPTY) this.#closeUp()
  }

  /** Those that are there now. */
  *[Symbol.iterator](): Generator<number, void, void> {
    const line = this.#line
    for (let place = this.#begin; place < line.length; place += 1) {
      const sequence = line[place]!
      if (this.#places.has(sequence) && (line !== this.#line || this.#counts(place))) yield sequence
    }
  }

  #counts(place: number): boolean {
    return this.#places.get(this.#line[place]!) === place
  }

  #closeUp(): void {
    this.#line = [...this.#places.keys()]
    this.#begin = 0
    for (const [place, sequence] of this.#line.entries()) this.#places.set(sequence, place)
  }
}
