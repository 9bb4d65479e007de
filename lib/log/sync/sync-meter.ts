const KEPT = 512

/** How many syncs there were, and how long the latest took. */
export class SyncMeter {
  readonly #latestMs = new Float64Array(KEPT)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** The latest durations in milliseconds, in no order. */
  latestMs(): Float64Array {
    return this.#latestMs.slice(0, Math.min(this.#count, KEPT))
  }

  add(ms: number): void {
    this.#latestMs[this.#count % KEPT] = ms
    this.#count += 1
  }
}
