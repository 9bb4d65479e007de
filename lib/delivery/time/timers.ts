import type { ClockTimer } from '../../log/runtime/clocks.js'
import type { QueueTime } from '../../store/queue-time.js'
import { Heap } from '../tables/heap.js'
import type { Clock } from '../types.js'

/**
 * System timers stop while the machine is suspended, and ignore the wall clock. So longer waits come in
 * pieces of this length: a moment that came in a suspend, or by a step of the wall clock, is noticed that
 * much later at most.
 */
const LOOK_EVERY_MS = 60_000

/**
 * Something that waits for a moment. It is itself the item in the heap, so a wait costs no further object.
 */
export interface TimerEntry {
  /** In ms of `Timers.now()`; read and written by `Timers` alone. */
  alarmAt: number
  /** Position in the heap; -1: not set. */
  alarmIndex: number
  fire(): void
}

/**
 * All waits of a dispatcher, with one heap and one system timer. They are in the queue's time: a suspend
 * counts, and setting the wall clock changes none of them. They do not keep the process alive: an open queue
 * does that, and every pending promise that it returned (`KeepAlive`).
 */
export class Timers {
  /** As `Clock.called`. */
  readonly called: Clock['called']
  readonly #clock: Clock
  readonly #time: QueueTime
  readonly #rung: () => void
  readonly #alarms = new Heap<TimerEntry>((one, other) => one.alarmAt < other.alarmAt, {
    get: timer => timer.alarmIndex,
    set: (timer, position) => {
      timer.alarmIndex = position
    },
  })
  #timer: ClockTimer | undefined
  /** When `#timer` fires. It may be earlier than the first alarm, never later. */
  #firesAt = Infinity
  #closed = false

  /** `rung` is called after every batch of alarms. */
  constructor(clock: Clock, time: QueueTime, rung: () => void) {
    this.#clock = clock
    this.called = clock.called
    this.#time = time
    this.#rung = rung
  }

  /** Whole ms, rounded down: a moment is past only when all of it is. */
  now(): number {
    return Math.floor(this.#time.awake())
  }

  /** The moment this many ms from now, rounded up, so that no wait ends a millisecond early. */
  after(delayMs: number): number {
    return Math.ceil(this.#time.awake() + delayMs)
  }

  /**
   * As `now`, by a clock that never runs faster than real time, but may run slower: how long a suspend was is
   * not known exactly.
   */
  passed(): number {
    return Math.floor(this.#time.awake() - this.#time.uncertainMs)
  }

  /** As `passed`, rounded up: whatever happened, happened by then. */
  passedBy(): number {
    return Math.ceil(this.#time.awake() - this.#time.uncertainMs)
  }

  /** Converts a moment of `passed()` to ms of `now()`. */
  whenPassed(at: number): number {
    return at + this.#time.uncertainMs
  }

  /** The first alarm's moment; Infinity: there is none. */
  get nextAt(): number {
    return this.#alarms.peek()?.alarmAt ?? Infinity
  }

  /** Sets or moves an alarm. Infinity: cancels it. */
  set(timer: TimerEntry, at: number): void {
    if (at === Infinity || this.#closed) {
      this.cancel(timer)
      return
    }
    const fresh = timer.alarmIndex === -1
    if (!fresh && timer.alarmAt === at) return
    timer.alarmAt = at
    if (fresh) this.#alarms.push(timer)
    else this.#alarms.moved(timer)
    if (at < this.#firesAt) this.#arm()
  }

  cancel(timer: TimerEntry): void {
    if (timer.alarmIndex === -1) return
    // The timer stays as it is: waking once for nothing costs less than a new timer each time.
    this.#alarms.remove(timer)
    timer.alarmIndex = -1
  }

  close(): void {
    this.#closed = true
    this.#disarm()
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#firesAt = Infinity
  }

  #arm(): void {
    this.#disarm()
    const at = this.nextAt
    if (this.#closed || at === Infinity) return
    const remainingMs = Math.max(Math.ceil(at - this.#time.awake()), 1)
    const delayMs = Math.min(remainingMs, LOOK_EVERY_MS)
    this.#firesAt = at
    this.#timer = this.#clock.setTimeout(() => this.#fired(), delayMs)
    this.#timer.unref()
  }

  #fired(): void {
    this.#timer = undefined
    // No alarm that fires may arm the timer: that is done once, below.
    this.#firesAt = -Infinity
    const now = this.#time.now()
    for (
      let timer = this.#alarms.peek();
      timer !== undefined && timer.alarmAt <= now;
      timer = this.#alarms.peek()
    ) {
      this.cancel(timer)
      timer.fire()
    }
    this.#arm()
    this.#rung()
  }
}
