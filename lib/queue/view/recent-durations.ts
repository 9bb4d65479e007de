import type { Percentiles } from '../types.js'

/** Enough for ten values above the p99. */
const KEPT = 1_024

/** A ring of the latest durations, in ms. */
export class RecentDurations {
  readonly #values = new Float64Array(KEPT)
  #count = 0

  add(durationMs: number): void {
    this.#values[this.#count % KEPT] = durationMs
    this.#count += 1
  }

  percentiles(): Percentiles {
    return percentilesOf(this.#values.subarray(0, Math.min(this.#count, KEPT)))
  }
}

/** By nearest rank; all 0 if there are no values. */
export function percentilesOf(values: ArrayLike<number>): Percentiles {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}
