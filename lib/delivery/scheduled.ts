import type { MessageRef, MessageStore } from '../store/message-store.js'
import { type MessageColumns, Place } from './columns.js'
import { Heap } from './heap.js'
import type { Alarm, Timers } from './timers.js'

/**
 * How long the wall clock is believed without another look: it may be set forward, and the machine may sleep, while
 * a monotonic wait goes on.
 */
const LOOK_EVERY_MS = 60_000

/** Messages that are not due yet (`deliverAt`): by the wall clock, as people mean it, and in no channel until then. */
export class Scheduled implements Alarm {
  readonly #store: MessageStore
  readonly #columns: MessageColumns
  readonly #timers: Timers
  readonly #wallNow: () => number
  readonly #due: (ref: MessageRef) => void
  readonly #messages: Heap<MessageRef>
  alarmAt = 0
  alarmIndex = -1

  constructor(
    store: MessageStore,
    columns: MessageColumns,
    timers: Timers,
    wallNow: () => number,
    due: (ref: MessageRef) => void,
  ) {
    this.#store = store
    this.#columns = columns
    this.#timers = timers
    this.#wallNow = wallNow
    this.#due = due
    this.#messages = new Heap((one, other) => store.deliverAt(one) < store.deliverAt(other), columns.previous)
  }

  get size(): number {
    return this.#messages.size
  }

  /** Takes the message if it is to wait. Once due, it stays due: one that was attempted before was. */
  add(ref: MessageRef): boolean {
    const deliverAt = this.#store.deliverAt(ref)
    if (deliverAt === 0 || deliverAt <= this.#wallNow() || this.#store.lastOutcomeAt(ref) !== 0) return false
    this.#columns.place.set(ref, Place.scheduled)
    this.#messages.push(ref)
    if (this.#messages.peek() === ref) this.#wait()
    return true
  }

  remove(ref: MessageRef): void {
    this.#messages.remove(ref)
    this.#columns.place.set(ref, Place.gone)
  }

  ring(): void {
    const now = this.#wallNow()
    for (let ref = this.#messages.peek(); ref !== undefined; ref = this.#messages.peek()) {
      if (this.#store.deliverAt(ref) > now) break
      this.remove(ref)
      this.#due(ref)
    }
    this.#wait()
  }

  #wait(): void {
    const next = this.#messages.peek()
    if (next === undefined) {
      this.#timers.cancel(this)
      return
    }
    const remainingMs = this.#store.deliverAt(next) - this.#wallNow()
    this.#timers.set(this, this.#timers.after(Math.min(remainingMs, LOOK_EVERY_MS)))
  }
}
