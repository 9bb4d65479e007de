import { monotonicNow } from '../runtime/real-time.js'

/**
 * Whether a read is worth a trip through the thread pool. Out of the page cache a small one takes 2 µs, and
 * the trip ten times as long; one of half a megabyte takes 0.2 ms, and the trip several where threads of the
 * collector and the compiler want the processors too, as while a queue is opened. So it is done on the spot;
 * but one that has to wait for the device would hold the event loop. No one says beforehand which it will be,
 * so the last ones tell: after a slow one, reads go through the thread pool for a while, and that while
 * doubles with each slow one that follows. A device that is slow holds the event loop for one read in ten
 * seconds, then.
 */

/** The largest read on the event loop: a larger one would hold it even out of the page cache. */
const MAX_BYTES = 512 * 1024
/**
 * What no read out of the page cache takes, unless something else took the processor: for a small one, and
 * for each byte.
 */
const SLOW_MS = 0.5
const SLOW_MS_A_BYTE = 1 / (1024 * 1024)
const FIRST_PAUSE_MS = 20
const LAST_PAUSE_MS = 10_000
/** After this many quick reads in a row, earlier slow ones are forgotten. */
const TRUSTED_AFTER = 1_000

export class QuickReads {
  readonly #now: () => number
  #pausedUntil = 0
  #pauseMs = FIRST_PAUSE_MS
  #quick = 0

  /** `now`: a monotonic clock, ms. */
  constructor(now: () => number = () => monotonicNow()) {
    this.#now = now
  }

  /**
   * The result of `read`, done on the spot; undefined: it is to be read in the thread pool. Throws what
   * `read` throws.
   */
  try(bytes: number, read: () => number): number | undefined {
    if (bytes > MAX_BYTES) return undefined
    const startedAt = this.#now()
    if (startedAt < this.#pausedUntil) return undefined
    const count = read()
    const endedAt = this.#now()
    if (endedAt - startedAt < SLOW_MS + bytes * SLOW_MS_A_BYTE) {
      this.#quick += 1
      if (this.#quick === TRUSTED_AFTER) this.#pauseMs = FIRST_PAUSE_MS
    } else {
      this.#quick = 0
      this.#pausedUntil = endedAt + this.#pauseMs
      this.#pauseMs = Math.min(2 * this.#pauseMs, LAST_PAUSE_MS)
    }
    return count
  }
}
