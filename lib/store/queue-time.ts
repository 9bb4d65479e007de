import type { Clocks } from '../log/runtime/clocks.js'

/** Two clocks that differ by no more count as equal: a reading of the boot clock may be a second off. */
const SAME_MS = 1_000

/** One moment read from two clocks: what a later life needs to go on from there. */
export interface ClockReading {
  /** Of the queue's time. */
  readonly at: number
  /** Of the wall clock, epoch ms. */
  readonly wall: number
}

/**
 * The time of a queue: elapsed time that reads like epoch ms. Every recorded moment is in it, except
 * appointments (`deliverAt`), which are the wall clock's.
 *
 * 1. Within a life it starts at the wall clock and follows the monotonic one. A step of the wall clock does
 *    not touch it.
 * 2. A suspend counts. The monotonic clock stands still in it; the wall clock and the boot clock go on. So
 *    where the wall clock has parted from this time, the boot clock tells how much of that was sleep; the
 *    rest was a step.
 * 3. A new life starts at the later of the wall clock and the latest moment on disk. How far the wall clock
 *    was set ahead within a life is on disk and is subtracted, so a step does not count as elapsed time
 *    between two lives either. A wall clock set back behind that latest moment is not believed: setting it
 *    right again before the next life would count as elapsed time. One set back, but not behind it, is
 *    believed from then on: the lead on disk would hide from every life how long nothing ran.
 */
export class QueueTime {
  readonly #clocks: Clocks
  readonly #monotonicAtOpen: number
  readonly #bootAtOpen: number
  #sleptMs = 0
  #uncertainMs = 0
  #leadMs: number
  #wallLeadMs = 0
  #isToBeRecorded = false
  /** Called when the wall clock has parted from this time, or has come back to it. */
  onParted: () => void = () => {}

  constructor(clocks: Clocks) {
    this.#clocks = clocks
    this.#bootAtOpen = clocks.boot()
    this.#monotonicAtOpen = clocks.monotonic()
    this.#leadMs = clocks.wall() - this.#monotonicAtOpen
  }

  /**
   * Continues from what an opening found. `latest`: the latest moment on disk; `parted`: the clocks when they
   * last parted.
   */
  goOnFrom(latest: number, parted: ClockReading | undefined): void {
    const wall = this.#clocks.wall()
    const recordedLeadMs = parted === undefined ? 0 : Math.max(parted.wall - parted.at, 0)
    const now = Math.max(wall - recordedLeadMs, latest)
    this.#leadMs = now - this.#clocks.monotonic()
    this.#wallLeadMs = Math.abs(wall - now) > SAME_MS ? wall - now : 0
    this.#isToBeRecorded = wall >= latest && recordedLeadMs - this.#wallLeadMs > SAME_MS
  }

  /** Whether the clock difference on disk is out of date. */
  get isToBeRecorded(): boolean {
    return this.#isToBeRecorded
  }

  /**
   * Now, in whole ms, rounded down: a moment is past only when all of it is. It looks at the wall clock too,
   * so that no suspend is missed.
   */
  now(): number {
    const now = this.awake()
    const isParted = Math.abs(this.#clocks.wall() - now - this.#wallLeadMs) > SAME_MS
    return Math.floor(isParted ? this.#part() : now)
  }

  /** Now, with its fraction, at half the cost of `now`; a suspend since `now` was last asked is missing. */
  awake(): number {
    return this.#clocks.monotonic() + this.#leadMs
  }

  /**
   * How much of the sleep counted so far may not have passed since a given moment of this life: for each
   * suspend noticed, the sleep before that moment and the error of the boot clock's readings.
   */
  get uncertainMs(): number {
    return this.#uncertainMs
  }

  /**
   * As `now`, but always reads the boot clock: the wall clock may have been set back by as much as the
   * machine slept.
   */
  look(): number {
    return Math.floor(this.#part())
  }

  /** Epoch ms by the wall clock. */
  wall(): number {
    return this.#clocks.wall()
  }

  /** A moment of this time on the wall clock, as it is set now. */
  onWall(at: number): number {
    return at + this.#wallLeadMs
  }

  /** The moment of this time at which the wall clock, as it is set now, reads this. */
  ofWall(wall: number): number {
    return wall - this.#wallLeadMs
  }

  /** This moment on both clocks. */
  reading(): ClockReading {
    const at = this.now()
    return { at, wall: this.onWall(at) }
  }

  /** The wall clock was set, or the machine slept. */
  #part(): number {
    this.#countSleep()
    const now = this.awake()
    const leadMs = this.#clocks.wall() - now
    if (Math.abs(leadMs - this.#wallLeadMs) > SAME_MS) {
      this.#wallLeadMs = Math.abs(leadMs) > SAME_MS ? leadMs : 0
      this.onParted()
    }
    return now
  }

  /**
   * Adds what the boot clock gained. It is read first: time between the two readings then counts as awake.
   */
  #countSleep(): void {
    const bootMs = this.#clocks.boot() - this.#bootAtOpen
    const sleptMs = bootMs - (this.#clocks.monotonic() - this.#monotonicAtOpen)
    if (sleptMs - this.#sleptMs <= SAME_MS) return
    this.#leadMs += sleptMs - this.#sleptMs
    this.#uncertainMs += Math.min(sleptMs - this.#sleptMs, 2 * SAME_MS)
    this.#sleptMs = sleptMs
  }
}
