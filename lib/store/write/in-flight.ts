/**
 * Appends that a log has taken but not answered. It answers in append order, so the first one has the lowest
 * sequence and leaves first; only a withdrawn or refused one leaves out of turn.
 *
 * A ring, not a `Set`: a `Set` replaces its table after some number of changes. An old, promoted table keeps
 * the next one alive, with all that was in flight, so young collections copy what is long dead.
 */
const SMALLEST = 16

/** Each entry knows its place, so that one that leaves out of turn is found without a search. */
export interface Flight {
  readonly firstSequence: number
  /** For `InFlight` alone: how many were added before it. */
  place: number
}

export class InFlight<T extends Flight> {
  /** The length is a power of 2. Starts at `#head`; undefined: left out of turn. */
  #ring: (T | undefined)[] = new Array<T | undefined>(SMALLEST).fill(undefined)
  #head = 0
  /** The place of the one at `#head`. */
  #first = 0
  /** Places in use, including those left out of turn. */
  #used = 0

  add(append: T): void {
    if (this.#used === this.#ring.length) this.#grow()
    append.place = this.#first + this.#used
    this.#ring[(this.#head + this.#used) & (this.#ring.length - 1)] = append
    this.#used += 1
  }

  /** Does nothing if it has left. */
  delete(append: T): void {
    const ring = this.#ring
    const mask = ring.length - 1
    const at = (this.#head + append.place - this.#first) & mask
    if (ring[at] !== append) return
    ring[at] = undefined
    // Keeps an entry in flight at both ends.
    while (this.#used > 0 && ring[this.#head] === undefined) {
      this.#head = (this.#head + 1) & mask
      this.#first += 1
      this.#used -= 1
    }
    while (this.#used > 0 && ring[(this.#head + this.#used - 1) & mask] === undefined) this.#used -= 1
  }

  get isEmpty(): boolean {
    return this.#used === 0
  }

  /** The latest one; undefined: everything was answered. */
  get last(): T | undefined {
    return this.#used === 0 ? undefined : this.#ring[this.#at(this.#used - 1)]
  }

  /** Infinity: everything was answered. */
  lowestSequence(): number {
    return this.#used === 0 ? Number.POSITIVE_INFINITY : this.#ring[this.#head]!.firstSequence
  }

  #at(place: number): number {
    return (this.#head + place) & (this.#ring.length - 1)
  }

  #grow(): void {
    const ring = new Array<T | undefined>(this.#ring.length * 2).fill(undefined)
    for (let i = 0; i < this.#used; i += 1) ring[i] = this.#ring[this.#at(i)]
    this.#ring = ring
    this.#head = 0
  }
}
