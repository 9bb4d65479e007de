import { monotonicNow } from '../runtime/real-time.js'

/**
 * Whether a sync is worth a trip to a thread. On a device that syncs in 0.2 ms the trip and the way back cost
 * as much as the sync, and more where the event loop is busy; one that takes 10 ms would hold everything in
 * the process. The recent syncs on the spot tell which device it is. What a sync took through a thread tells
 * nothing: it contains the waits for the event loop.
 *
 * - On the spot while the median of the latest 32 is quick. With fewer known, theirs; with none, the first
 *   one tells.
 * - Three slow ones in a row, or a median that is not quick, mean threads for a pause. What was known is
 *   forgotten then, so that the first sync after it is a probe that decides by itself. The pause doubles,
 *   until 32 stood the test again.
 * - Whatever the order in which slow ones come: in any ten seconds all of them but one hold the event loop
 *   for 0.1 s at most. A bucket that drains 10 ms a second would not do: full, it lets through twice as much
 *   in ten seconds, and one that must be empty again stops half of the syncs of a device with one slow sync
 *   in a hundred.
 * - After a sync that failed, threads, until one has succeeded there.
 */

const KEPT = 32
/** A median below is quicker than a trip to a thread in a busy process. */
const QUICK_MS = 1
/** What is longer is felt by what else runs in the process. */
const SLOW_MS = 2
const MAX_SLOW_IN_A_ROW = 3
const FIRST_PAUSE_MS = 20
const LAST_PAUSE_MS = 10_000
const WINDOW_MS = 10_000
const MAX_HELD_MS = WINDOW_MS / 100

export class QuickSyncs {
  readonly #now: () => number
  /** Of the latest since the last pause, in a ring: 1 for a quick one. */
  readonly #latest = new Uint8Array(KEPT)
  #known = 0
  /** How many of those in the ring are quick. */
  #quick = 0
  #slowInARow = 0
  #pauseMs = FIRST_PAUSE_MS
  /** Slow ones of the last ten seconds. */
  #slow: { readonly endedAt: number; readonly ms: number }[] = []
  #slowUntil = Number.NEGATIVE_INFINITY
  #failed = false
  #failures = 0

  /** `now`: a monotonic clock, ms. */
  constructor(now: () => number = () => monotonicNow()) {
    this.#now = now
  }

  /**
   * Does `sync` on the spot, and returns how many ms it took; undefined: not now, it is to be done on a
   * thread. Throws what `sync` throws. `teaches`: nothing else was under way on the device that may have
   * slowed it down.
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

  /** No sync has told yet which device this is. */
  get knowsNothing(): boolean {
    return this.#known === 0
  }

  /** How many syncs have failed, on a thread or on the spot. */
  get failures(): number {
    return this.#failures
  }

  failed(): void {
    this.#failed = true
    this.#failures += 1
  }

  /**
   * A sync succeeded on a thread. It tells nothing where another has failed since it began: `failures` of
   * then.
   */
  succeeded(failures: number): void {
    if (failures === this.#failures) this.#failed = false
  }

  /** Why the next one goes where it goes: `'learning'` while fewer than 32 are known. */
  get state(): 'quick' | 'learning' | 'slow' {
    if (!this.allows()) return 'slow'
    return this.#known < KEPT ? 'learning' : 'quick'
  }

  /** For how many more ms all go to threads: 0 where they do not, infinite until one has succeeded there. */
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
