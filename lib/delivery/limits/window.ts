import { brokenInvariant } from '../../log/errors/broken-invariant.js'
import type { Rate } from '../types.js'

/** A longer window is kept in steps of a sixtieth of it, rounded up. */
const LONGEST_EXACT_MS = 60_000
const STEPS = 60

/**
 * Counts as a platform does: at most `count` attempts within any `perMs`. The platform sees an attempt at
 * some moment between its beginning and its end. So a place is taken when an attempt begins, and comes free
 * `perMs` after it ended: the platform sees the next attempt in that place later than that.
 *
 * Its times are by a clock that never runs faster than real time (`Timers.passed`).
 */
export class Window {
  readonly rate: Rate
  readonly #stepMs: number
  readonly #spacing: Spacing | undefined
  /** Places of attempts under way. */
  underWay = 0
  /** Places that come free at a known moment. */
  #ended = 0
  /** That moment and how many, alternating; the earliest first. Those before `#from` are free. */
  #frees: number[] = []
  #from = 0

  constructor(rate: Rate) {
    const { count, perMs, burst = count } = rate
    this.rate = rate
    this.#stepMs = perMs > LONGEST_EXACT_MS ? Math.ceil(perMs / STEPS) : 1
    // With a burst of `count` the window itself is the stricter limit.
    if (burst < count) this.#spacing = new Spacing(perMs / count, burst)
  }

  /** The moment at which a place is free, in the past if one is free now; Infinity: when an attempt ends. */
  opensAt(now: number): number {
    this.#forget(now)
    let taken = this.underWay + this.#ended
    let at = this.#spacing?.opensAt ?? Number.NEGATIVE_INFINITY
    for (let i = this.#from; taken >= this.rate.count; i += 2) {
      if (i >= this.#frees.length) return Number.POSITIVE_INFINITY
      at = Math.max(at, this.#frees[i]!)
      taken -= this.#frees[i + 1]!
    }
    return at
  }

  /** The moment at which there is nothing left to remember. */
  get emptyAt(): number {
    if (this.underWay > 0) return Number.POSITIVE_INFINITY
    const last = this.#frees.at(-2) ?? Number.NEGATIVE_INFINITY
    return Math.max(last, this.#spacing?.fullAt ?? Number.NEGATIVE_INFINITY)
  }

  take(now: number): void {
    this.underWay += 1
    this.#spacing?.take(now)
  }

  /** Gives back a place whose attempt did not get as far as `send`. */
  giveBack(): void {
    this.underWay -= 1
    this.#spacing?.giveBack()
  }

  /** An attempt ended. `now` never falls between calls. */
  end(now: number): void {
    if (this.underWay === 0) throw brokenInvariant('an attempt ends in a window that counts none')
    this.underWay -= 1
    this.#forget(now)
    this.#add(Math.ceil((now + this.rate.perMs) / this.#stepMs) * this.#stepMs, 1)
  }

  /**
   * When attempts that still count ended, and how many, alternating: in at most as many steps as a long
   * window has.
   */
  ends(now: number): number[] {
    this.#forget(now)
    const { perMs } = this.rate
    const ends: number[] = []
    const stepMs = perMs / STEPS
    let stepEnd = Number.NEGATIVE_INFINITY
    for (let i = this.#from; i < this.#frees.length; i += 2) {
      const end = this.#frees[i]! - perMs
      const count = this.#frees[i + 1]!
      if (end <= stepEnd) {
        ends[ends.length - 2] = end
        ends[ends.length - 1]! += count
      } else {
        ends.push(end, count)
        stepEnd = end + stepMs
      }
    }
    return ends
  }

  /** Counts attempts of earlier lives, in the form of `ends`. Comes before any other call. */
  restore(ends: readonly number[], now: number): void {
    const { perMs } = this.rate
    for (let i = 0; i < ends.length; i += 2) {
      const end = ends[i]!
      const count = ends[i + 1]!
      if (end + perMs <= now) continue
      this.#add(end + perMs, count)
      this.#spacing?.take(end, count)
    }
  }

  /**
   * Takes over what another window of the same target counted after this moment, and its attempts under way.
   * Comes after `restore`, before any other call.
   */
  goOnFrom(before: Window, after: number, now: number): void {
    const ends = before.ends(now)
    for (let i = 0; i < ends.length; i += 2) {
      // A long window rounds up.
      const end = Math.min(ends[i]!, now)
      if (end > after) this.restore([end, ends[i + 1]!], now)
    }
    this.underWay = before.underWay
    if (this.underWay > 0) this.#spacing?.take(now, this.underWay)
  }

  /** Counts one more attempt of an earlier life. */
  count(end: number, now: number): void {
    const ends = this.ends(now)
    let at = 0
    while (at < ends.length && ends[at]! <= end) at += 2
    this.#frees = []
    this.#from = 0
    this.#ended = 0
    this.restore([...ends.slice(0, at), end, 1, ...ends.slice(at)], now)
  }

  #add(free: number, count: number): void {
    const last = this.#frees.length - 2
    this.#ended += count
    if (last >= this.#from && this.#frees[last]! >= free) this.#frees[last + 1]! += count
    else this.#frees.push(free, count)
  }

  #forget(now: number): void {
    const frees = this.#frees
    while (this.#from < frees.length && frees[this.#from]! <= now) {
      this.#ended -= frees[this.#from + 1]!
      this.#from += 2
    }
    if (this.#from < 64 || 2 * this.#from < frees.length) return
    this.#frees = frees.slice(this.#from)
    this.#from = 0
  }
}

/**
 * A burst in a row, further attempts at intervals: kept as the moment at which the whole row is allowed
 * again.
 */
class Spacing {
  readonly #intervalMs: number
  readonly #rowMs: number
  #fullAt = Number.NEGATIVE_INFINITY

  constructor(intervalMs: number, burst: number) {
    this.#intervalMs = intervalMs
    this.#rowMs = (burst - 1) * intervalMs
  }

  get opensAt(): number {
    return this.#fullAt - this.#rowMs
  }

  get fullAt(): number {
    return this.#fullAt
  }

  take(now: number, count = 1): void {
    this.#fullAt = Math.max(this.#fullAt, now) + count * this.#intervalMs
  }

  giveBack(): void {
    this.#fullAt -= this.#intervalMs
  }
}
