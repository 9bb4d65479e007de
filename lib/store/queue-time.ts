import type { Clocks } from '../log/runtime/clocks.js'

/** Two clocks that part by no more are told the same time: of the boot clock a look may be a second wrong. */
const SAME_MS = 1_000

/** A moment as two clocks told it: what a later life needs to go on from there. */
export interface ClockReading {
  /** Of the queue's time. */
  readonly at: number
  /** Of the wall clock, epoch ms. */
  readonly wall: number
}

/**
 * The time of a queue: the time that passes. It reads like epoch ms, and all that is recorded stands in it,
 * but for appointments (`deliverAt`), which are the wall clock's.
 *
 * 1. Within a life it begins with the wall clock and goes on by the monotonic one. A step of the wall clock
 *    does not touch it.
 * 2. A suspend counts. The monotonic clock stands still in it; the wall clock and the boot clock go on. So
 *    where the wall clock has parted from this time, the boot clock is asked how much of that was sleep; the
 *    rest was a step.
 * 3. From one life to the next it is the later of the latest moment that anything on disk speaks of, and of
 *    the wall clock. By how much the wall clock was set ahead of it within a life is on disk, and taken off:
 *    so a step is no time that passed between two lives either. One that was set back behind that moment is
 *    not believed: it may be set right again before the next life, and that would be taken for time that
 *    passed. One that was set back and is not behind it is believed from then on: what is on disk would hide
 *    from every life how long nothing ran.
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
  /** Told when the wall clock has parted from this time, or came back to it. */
  onParted: () => void = () => {}

  constructor(clocks: Clocks) {
    this.#clocks = clocks
    this.#bootAtOpen = clocks.boot()
    this.#monotonicAtOpen = clocks.monotonic()
    this.#leadMs = clocks.wall() - this.#monotonicAtOpen
  }

  /**
   * An opening goes on from here. `latest`: the latest moment on disk; `parted`: the clocks when they parted
   * last.
   */
  goOnFrom(latest: number, parted: ClockReading | undefined): void {
    const wall = this.#clocks.wall()
    const recordedLeadMs = parted === undefined ? 0 : Math.max(parted.wall - parted.at, 0)
    const now = Math.max(wall - recordedLeadMs, latest)
    this.#leadMs = now - this.#clocks.monotonic()
    this.#wallLeadMs = Math.abs(wall - now) > SAME_MS ? wall - now : 0
    this.#isToBeRecorded = wall >= latest && recordedLeadMs - this.#wallLeadMs > SAME_MS
  }

  /** What is on disk of how the clocks parted holds no longer. */
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

  /** Now, to the fraction, unless the machine was suspended since `now` was asked last; at half its cost. */
  awake(): number {
    return this.#clocks.monotonic() + this.#leadMs
  }

  /**
   * How much of the sleep that was counted so far may not have passed since some moment of this life: of each
   * one noticed, what was slept before that moment, and what the looks at the boot clock are wrong by.
   */
  get uncertainMs(): number {
    return this.#uncertainMs
  }

  /**
   * As `now`, and it looks at the boot clock whatever the wall clock says: that may have been set back by as
   * much as the machine slept.
   */
  look(): number {
    return Math.floor(this.#part())
  }

  /** Epoch ms by the wall clock. */
  wall(): number {
    return this.#clocks.wall()
  }

  /** A moment of this time as people read it, by the wall clock as it is set now. */
  onWall(at: number): number {
    return at + this.#wallLeadMs
  }

  /** When the wall clock reads this, as it is set now. */
  ofWall(wall: number): number {
    return wall - this.#wallLeadMs
  }

  /** How the wall clock and this time stand to each other. */
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
   * By how much the boot clock is ahead. It is looked at first: time between the two looks then counts as
   * awake.
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
