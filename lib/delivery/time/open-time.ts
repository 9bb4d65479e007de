import type { TimerEntry, Timers } from './timers.js'

/**
 * Why nothing can be attempted there, as bits: several may hold at once. A plain object, because they are
 * added up.
 */
export const Closed = {
  /** Halted, or paused. */
  stopped: 1,
  /** A receiver said when, or our own disk does not do. */
  waits: 2,
} as const

/**
 * How long a gate or a channel has been open to attempts: a stopwatch that stops while it is halted, paused,
 * or waits because a receiver said so. Its time is that of the gate that stands before it, and in the end the
 * monotonic clock: so that of a channel runs only while all that it passes is open.
 */
export class OpenTime implements TimerEntry {
  alarmAt = 0
  alarmIndex = -1
  readonly #timers: Timers
  readonly #outer: () => number
  #ranMs = 0
  /** In `#outer`, since when it runs. */
  #since: number
  /** Bits of `Closed`; 0: it runs. */
  #closed = 0

  constructor(timers: Timers, outer: () => number) {
    this.#timers = timers
    this.#outer = outer
    this.#since = outer()
  }

  read(): number {
    return this.#closed === 0 ? this.#ranMs + (this.#outer() - this.#since) : this.#ranMs
  }

  set(reason: number, closed: boolean): void {
    const before = this.#closed
    const after = closed ? before | reason : before & ~reason
    if (before === 0 && after !== 0) this.#ranMs = this.read()
    if (before !== 0 && after === 0) this.#since = this.#outer()
    this.#closed = after
  }

  /** In ms of `Timers.now()`. */
  closeUntil(at: number): void {
    if (at <= this.#timers.now()) return
    this.set(Closed.waits, true)
    if (this.alarmIndex === -1 || at > this.alarmAt) this.#timers.set(this, at)
  }

  fire(): void {
    this.set(Closed.waits, false)
  }

  forget(): void {
    this.#timers.cancel(this)
  }
}
