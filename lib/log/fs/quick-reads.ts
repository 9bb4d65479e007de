import { monotonicNow } from '../runtime/real-time.js'

/**
 * Decides whether a read runs on the event loop or in the thread pool. From the page cache a small read takes
 * 2 µs, and the trip to the pool ten times as long; half a megabyte takes 0.2 ms, and the trip several if the
 * garbage collector's and compiler's threads compete for the processors, as while a queue is opened. So reads
 * run on the event loop, but one that waits for the device would block it. That is not known beforehand, so
 * recent reads decide: after a slow one, reads go through the thread pool for a pause, which doubles with
 * each further slow one. In the end a slow device blocks the event loop for one read in ten seconds.
 */

/** The largest read on the event loop: a larger one would block it even from the page cache. */
const MAX_BYTES = 512 * 1024
/**
 * No read from the page cache takes this long, unless it lost the processor: the base, and the part per byte.
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
   * The result of `read`, run on the event loop; undefined: use the thread pool. Throws what `read` throws.
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
