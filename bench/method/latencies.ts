import { createHistogram } from 'node:perf_hooks'

const NS_PER_US = 1e3
const NS_PER_MS = 1e6

/** Of one round. */
export interface Percentiles {
  readonly p50Us: number
  readonly p90Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
  readonly meanUs: number
}

/** How long things took: three significant digits, from a nanosecond on. */
export class Latencies {
  readonly #histogram = createHistogram()

  /** Moments as `performance.now()` gives them. */
  add(startedAt: number, endedAt: number): void {
    this.#histogram.record(Math.max(1, Math.round((endedAt - startedAt) * NS_PER_MS)))
  }

  get count(): number {
    return this.#histogram.count
  }

  percentiles(): Percentiles {
    const at = (percentile: number): number => this.#histogram.percentile(percentile) / NS_PER_US
    return {
      p50Us: at(50),
      p90Us: at(90),
      p99Us: at(99),
      p999Us: at(99.9),
      maxUs: this.#histogram.max / NS_PER_US,
      meanUs: this.#histogram.mean / NS_PER_US,
    }
  }
}
