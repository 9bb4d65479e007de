/** Only beyond this many empty places is it worth closing them up. */
const MAX_EMPTY = 1_000

/**
 * Sequences of dead letters, in the order in which they died. Whichever leaves, the first one is at hand. (A
 * `Set` walks over everything deleted from its front for each look at its first item.)
 */
export class DeadOrder {
  /** The place of each in `#line`, also in order. */
  readonly #places = new Map<number, number>()
  /** Some entries are gone, or died again and have a later place. */
  #line: number[] = []
  /** No entry before this one counts. */
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
    // So many have gone that they pay for moving those that stay.
    if (this.#line.length > 2 * this.#places.size + MAX_EMPTY) this.#closeUp()
  }

  /** The sequences that are in it now. */
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
