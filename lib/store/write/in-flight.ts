/**
 * Appends that a log has taken and not answered yet. It answers in append order, so the first one is the
 * lowest, and goes first; only one that is withdrawn, or refused, goes out of turn.
 *
 * A ring, no `Set`: that makes itself a new table after so many changes, and the old ones, once they are
 * promoted, keep alive the next with all that was in flight, so that young collections copy what is long
 * dead.
 */
const SMALLEST = 16

/** Each entry knows its place, so that one that leaves out of turn is found without a search. */
export interface Flight {
  readonly firstSequence: number
  /** Of `InFlight` alone: how many were added before it. */
  place: number
}

export class InFlight<T extends Flight> {
  /** The length is a power of 2. From `#head` on; undefined: it went out of turn. */
  #ring: (T | undefined)[] = new Array<T | undefined>(SMALLEST).fill(undefined)
  #head = 0
  /** The place of the one at `#head`. */
  #first = 0
  /** Places in use, those that went out of turn included. */
  #used = 0

  add(append: T): void {
    if (this.#used === this.#ring.length) this.#grow()
    append.place = this.#first + this.#used
    this.#ring[(this.#head + this.#used) & (this.#ring.length - 1)] = append
    this.#used += 1
  }

  /** Nothing, where it is not here any more. */
  delete(append: T): void {
    const ring = this.#ring
    const mask = ring.length - 1
    const at = (this.#head + append.place - this.#first) & mask
    if (ring[at] !== append) return
    ring[at] = undefined
    // Both ends are always in flight.
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
