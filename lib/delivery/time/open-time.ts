import type { TimerEntry, Timers } from './timers.js'

/** Why nothing can be attempted there. Bits in a plain object, because several may hold at once. */
export const Closed = {
  /** Halted, or paused. */
  stopped: 1,
  /** A receiver asked to wait, or the local disk fails. */
  waits: 2,
} as const

/**
 * How long a gate or a channel has been open to attempts: a stopwatch that stops while it is halted, paused,
 * or told to wait. It runs on the time of the gate outside it, and the outermost gate's on the monotonic
 * clock. So a channel's time runs only while every gate that it passes is open.
 */
export class OpenTime implements TimerEntry {
  alarmAt = 0
  alarmIndex = -1
  readonly #timers: Timers
  readonly #outer: () => number
  #ranMs = 0
  /** Since when it runs, by `#outer`. */
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

  /** `at`: in ms of `Timers.now()`. */
  closeUntil(at: number): void {
    if (at <= this.#timers.now()) return
    this.set(Closed.waits, true)
    if (this.alarmIndex === -1 || at > this.alarmAt) this.#timers.set(this, at)
  }

  fire(): void {
    this.set(Closed.waits, false)
  }

  /** What `closeUntil` waits for is over now. */
  endWait(): void {
    this.#timers.cancel(this)
    this.set(Closed.waits, false)
  }

  forget(): void {
    this.#timers.cancel(this)
  }
}
