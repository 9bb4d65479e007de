/** The position of a record. Kept for every record that counts, 40 bytes each. */
export interface FramePosition {
  readonly sequence: number
  readonly segment: number
  readonly offset: number
}

/**
 * The positions of records by sequence: added at the end, removed at the front. (Reading the first entry of a
 * `Map` scans over everything deleted at its front.)
 */
export class FramePositions {
  /** By sequence; those before `#begin` no longer count. */
  #places: FramePosition[]
  #begin = 0

  /** In any order, each sequence once. */
  constructor(places: Iterable<FramePosition>) {
    // Segments are visited in order of their first use; after damage that is not always the order of
    // sequences.
    this.#places = [...places].sort((one, other) => one.sequence - other.sequence)
  }

  get first(): FramePosition | undefined {
    return this.#places[this.#begin]
  }

  /** The first position at or after `sequence`. */
  from(sequence: number): FramePosition | undefined {
    return this.#places[this.#indexOf(sequence)]
  }

  /** Adds the position of a new record, or replaces that of an existing one. */
  set(place: FramePosition): void {
    const last = this.#places.at(-1)
    if (last === undefined || last.sequence < place.sequence) {
      this.#places.push(place)
      return
    }
    const index = this.#indexOf(place.sequence)
    this.#places.splice(index, this.#places[index]!.sequence === place.sequence ? 1 : 0, place)
  }

  discardBefore(sequence: number): void {
    this.#begin = this.#indexOf(sequence)
    // At least half are discarded, so each is moved about once on average.
    if (this.#begin * 2 < this.#places.length) return
    this.#places = this.#places.slice(this.#begin)
    this.#begin = 0
  }

  #indexOf(sequence: number): number {
    let low = this.#begin
    let high = this.#places.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#places[middle]!.sequence < sequence) low = middle + 1
      else high = middle
    }
    return low
  }
}
