import { monotonicNow } from '../runtime/real-time.js'

/**
 * Decides whether a sync runs on the event loop or on a thread. On a device that syncs in 0.2 ms the round
 * trip to a thread costs as much as the sync, and more if the event loop is busy; a sync of 10 ms on the
 * event loop would block the whole process. Recent syncs on the event loop tell which kind of device it is.
 * The duration of a sync on a thread tells nothing: it includes waits for the event loop.
 *
 * - Syncs run on the event loop while the median of the latest 32 is quick. If fewer are known, their median
 *   counts; if none, the first sync decides.
 * - After three slow syncs in a row, or if the median is not quick, syncs run on threads for a pause. The
 *   known syncs are forgotten, so the first sync after the pause is a probe that decides alone. The pause
 *   doubles each time, until 32 syncs have passed the test again.
 * - In whatever order slow syncs come, in any ten seconds all of them but one block the event loop for at
 *   most 0.1 s. A leaky bucket that drains 10 ms per second does not achieve this: in ten seconds it can let
 *   through twice as much, and if it had to be empty again first, it would stop half of the syncs on a device
 *   with one slow sync in a hundred.
 * - After a failed sync, syncs run on threads until one has succeeded there.
 */

const KEPT = 32
/** A median below this is quicker than a round trip to a thread in a busy process. */
const QUICK_MS = 1
/** A longer sync noticeably delays the rest of the process. */
const SLOW_MS = 2
const MAX_SLOW_IN_A_ROW = 3
const FIRST_PAUSE_MS = 20
const LAST_PAUSE_MS = 10_000
const WINDOW_MS = 10_000
const MAX_HELD_MS = WINDOW_MS / 100

export class QuickSyncs {
  readonly #now: () => number
  /** Ring of the latest syncs since the last pause: 1 for a quick one. */
  readonly #latest = new Uint8Array(KEPT)
  #known = 0
  /** Number of quick syncs in the ring. */
  #quick = 0
  #slowInARow = 0
  #pauseMs = FIRST_PAUSE_MS
  /** Slow syncs of the last ten seconds. */
  #slow: { readonly endedAt: number; readonly ms: number }[] = []
  #slowUntil = Number.NEGATIVE_INFINITY
  #failed = false
  #failures = 0

  /** `now`: a monotonic clock, ms. */
  constructor(now: () => number = () => monotonicNow()) {
    this.#now = now
  }

  /**
   * Runs `sync` on the event loop and returns its duration in ms; undefined if it has to run on a thread
   * instead. Throws what `sync` throws. `teaches`: no other work on the device may have slowed it down, so
   * its duration counts.
   */
  try(sync: () => void, teaches: boolean): number | undefined {
    if (!this.allows()) return undefined
    const startedAt = this.#now()
    try {
      sync()
    } catch (error) {
      this.failed()
      throw error
    }
    const endedAt = this.#now()
    const ms = endedAt - startedAt
    if (ms > SLOW_MS) this.#held(endedAt, ms)
    if (teaches) this.#learn(endedAt, ms)
    return ms
  }

  allows(): boolean {
    return !this.#failed && this.#now() >= this.#slowUntil
  }

  /** True while no sync has told which kind of device this is. */
  get knowsNothing(): boolean {
    return this.#known === 0
  }

  /** Number of failed syncs, on a thread or on the event loop. */
  get failures(): number {
    return this.#failures
  }

  failed(): void {
    this.#failed = true
    this.#failures += 1
  }

  /**
   * A sync succeeded on a thread. `failures`: the count when it began; if another sync has failed since, this
   * success tells nothing.
   */
  succeeded(failures: number): void {
    if (failures === this.#failures) this.#failed = false
  }

  /** Why the next sync runs where it does: `'learning'` while fewer than 32 are known. */
  get state(): 'quick' | 'learning' | 'slow' {
    if (!this.allows()) return 'slow'
    return this.#known < KEPT ? 'learning' : 'quick'
  }

  /**
   * For how many more ms all syncs run on threads: 0 if they do not, infinite until one has succeeded there.
   */
  get slowForMs(): number {
    return this.#failed ? Number.POSITIVE_INFINITY : Math.max(0, this.#slowUntil - this.#now())
  }

  #held(endedAt: number, ms: number): void {
    const slow = this.#slow.filter(each => each.endedAt > endedAt - WINDOW_MS)
    slow.push({ endedAt, ms })
    this.#slow = slow
    let heldMs = slow.reduce((sum, each) => sum + each.ms, 0)
    for (const oldest of slow) {
      if (heldMs < MAX_HELD_MS) return
      heldMs -= oldest.ms
      this.#slowUntil = Math.max(this.#slowUntil, oldest.endedAt + WINDOW_MS)
    }
  }

  #learn(endedAt: number, ms: number): void {
    const at = this.#known % KEPT
    const quick = ms < QUICK_MS ? 1 : 0
    this.#quick += this.#known < KEPT ? quick : quick - this.#latest[at]!
    this.#latest[at] = quick
    this.#known += 1
    this.#slowInARow = ms > SLOW_MS ? this.#slowInARow + 1 : 0
    if (this.#slowInARow >= MAX_SLOW_IN_A_ROW || 2 * this.#quick < Math.min(this.#known, KEPT)) {
      this.#known = 0
      this.#quick = 0
      this.#slowInARow = 0
      this.#slowUntil = Math.max(this.#slowUntil, endedAt + this.#pauseMs)
      this.#pauseMs = Math.min(2 * this.#pauseMs, LAST_PAUSE_MS)
    } else if (this.#known === KEPT) this.#pauseMs = FIRST_PAUSE_MS
  }
}
