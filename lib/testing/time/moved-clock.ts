import type { Clock } from '../../delivery/types.js'
import type { ClockTimer } from '../../log/runtime/clocks.js'

interface Timer extends ClockTimer {
  readonly at: number
  readonly callback: () => void
}

/** A clock that stands still until it is moved. It goes on through all lives of a queue. */
export class MovedClock {
  #now: number
  /** In the order in which they were set. A life has a few. */
  #timers: Timer[] = []
  /** Rises with each timer that is set. */
  count = 0

  /** `now`: epoch ms. */
  constructor(now: number) {
    this.#now = now
  }

  /** Epoch ms. */
  get now(): number {
    return this.#now
  }

  /** When the first timer fires; Infinity: none is set. */
  get nextAt(): number {
    return this.#timers.reduce((first, { at }) => Math.min(first, at), Infinity)
  }

  /** As one life sees it. */
  view(called: (result: Promise<unknown>) => void): Clock {
    const now = (): number => this.#now
    return {
      wall: now,
      monotonic: now,
      boot: now,
      called,
      setTimeout: (callback, delayMs) => {
        const timer: Timer = { at: this.#now + Math.max(0, delayMs), callback, unref: () => timer }
        this.#timers.push(timer)
        this.count += 1
        return timer
      },
      clearTimeout: timer => {
        this.#timers = this.#timers.filter(other => other !== timer)
      },
    }
  }

  /** Never back. No timer fires. */
  moveTo(at: number): void {
    this.#now = Math.max(this.#now, at)
  }

  /** Moves to the first timer's moment, and calls it. Timers of one moment are called one by one. */
  fireNext(): void {
    const at = this.nextAt
    const index = this.#timers.findIndex(timer => timer.at === at)
    const [timer] = this.#timers.splice(index, 1)
    this.moveTo(at)
    timer?.callback()
  }
}
