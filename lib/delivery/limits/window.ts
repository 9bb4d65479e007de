import { brokenInvariant } from '../../log/errors/broken-invariant.js'
import type { Rate } from '../types.js'

/** A longer window is kept in steps of a sixtieth of it, rounded to the careful side. */
const LONGEST_EXACT_MS = 60_000
const STEPS = 60

/**
 * As a platform counts: within any `perMs`, at most `count` attempts. It sees an attempt at some moment
 * between its beginning and its end, which the network decides. So a place is taken when the attempt begins,
 * and comes free `perMs` after it ended: whatever is seen of the next one that takes it, is seen later than
 * that.
 *
 * Its times are those of a clock on which no more passes than really does (`Timers.passed`).
 */
export class Window {
  readonly rate: Rate
  readonly #stepMs: number
  readonly #spacing: Spacing | undefined
  /** Places of attempts under way. */
  underWay = 0
  /** Places that come free at a known moment. */
  #ended = 0
  /** That moment and how many, by turns; the earliest first. What stands before `#from` is free. */
  #frees: number[] = []
  #from = 0

  constructor(rate: Rate) {
    const { count, perMs, burst = count } = rate
    this.rate = rate
    this.#stepMs = perMs > LONGEST_EXACT_MS ? Math.ceil(perMs / STEPS) : 1
    // A window of all at once keeps them further apart than that anyway.
    if (burst < count) this.#spacing = new Spacing(perMs / count, burst)
  }

  /**
   * The moment at which there is a place, in the past where there is one now; Infinity: when an attempt ends.
   */
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

  /** The moment at which there is nothing to remember. */
  get emptyAt(): number {
    if (this.underWay > 0) return Number.POSITIVE_INFINITY
    const last = this.#frees.at(-2) ?? Number.NEGATIVE_INFINITY
    return Math.max(last, this.#spacing?.fullAt ?? Number.NEGATIVE_INFINITY)
  }

  take(now: number): void {
    this.underWay += 1
    this.#spacing?.take(now)
  }

  /** The last attempt did not get as far as `send`. */
  giveBack(): void {
    this.underWay -= 1
    this.#spacing?.giveBack()
  }

  /** An attempt ended. Moments rise. */
  end(now: number): void {
    if (this.underWay === 0) throw brokenInvariant('an attempt ends in a window that counts none')
    this.underWay -= 1
    this.#forget(now)
    this.#add(Math.ceil((now + this.rate.perMs) / this.#stepMs) * this.#stepMs, 1)
  }

  /**
   * When attempts ended that count yet, and how many, by turns: in at most as many steps as a long window
   * has.
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

  /** Attempts of earlier lives, as `ends` tells them; before any other. */
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
   * What another window of the same counted after this moment, and what is under way; after `restore`, before
   * any other.
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

  /** One more attempt of an earlier life. */
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
 * Not more than so many in a row, the rest at intervals: kept as the moment at which the whole row is allowed
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
