import type { MessageRef, MessageStore } from '../../store/message-store.js'
import type { QueueTime } from '../../store/queue-time.js'
import { Heap } from '../tables/heap.js'
import { type MessageColumns, QueuePosition } from '../tables/message-columns.js'
import type { TimerEntry, Timers } from '../time/timers.js'

/** How long a reading of the wall clock is used before it is read again. */
const LOOK_EVERY_MS = 60_000

/**
 * Messages that are not due yet, and in no channel until then: appointments (`deliverAt`) by the wall clock,
 * as people mean it, however it is set; delays (`delayMs`) by the time that passes.
 */
export class Scheduled implements TimerEntry {
  readonly #store: MessageStore
  readonly #columns: MessageColumns
  readonly #timers: Timers
  readonly #time: QueueTime
  readonly #due: (ref: MessageRef) => void
  readonly #appointments: Heap<MessageRef>
  readonly #delays: Heap<MessageRef>
  /** When it last looked what was due, in the queue's time. */
  #lookedAt = 0
  alarmAt = 0
  alarmIndex = -1

  constructor(
    store: MessageStore,
    columns: MessageColumns,
    timers: Timers,
    time: QueueTime,
    due: (ref: MessageRef) => void,
  ) {
    this.#store = store
    this.#columns = columns
    this.#timers = timers
    this.#time = time
    this.#due = due
    const isBefore = (one: MessageRef, other: MessageRef) => store.deliverAt(one) < store.deliverAt(other)
    this.#appointments = new Heap(isBefore, columns.previous)
    this.#delays = new Heap(isBefore, columns.previous)
  }

  /** Takes the message if it has to wait. One that was attempted was due before, and stays due. */
  add(ref: MessageRef): boolean {
    const deliverAt = this.#store.deliverAt(ref)
    if (deliverAt === 0) return false
    const heap = this.#heapOf(ref)
    if (deliverAt <= this.#nowOf(heap) || this.#store.lastOutcomeAt(ref) !== 0) {
      if (heap === this.#appointments) this.#store.appointmentCame(ref, this.#time.ofWall(deliverAt))
      return false
    }
    this.#columns.place.set(ref, QueuePosition.scheduled)
    heap.push(ref)
    if (heap.peek() === ref) this.#wait()
    return true
  }

  remove(ref: MessageRef): void {
    this.#heapOf(ref).remove(ref)
    this.#columns.place.set(ref, QueuePosition.gone)
  }

  /** Those for this channel. Looks at all. */
  of(channel: string): MessageRef[] {
    return [...this.#appointments, ...this.#delays].filter(ref => this.#store.channel(ref) === channel)
  }

  fire(): void {
    for (const heap of [this.#appointments, this.#delays]) {
      const now = this.#nowOf(heap)
      for (let ref = heap.peek(); ref !== undefined; ref = heap.peek()) {
        const deliverAt = this.#store.deliverAt(ref)
        if (deliverAt > now) break
        this.remove(ref)
        // A wall clock set forward says that this came long ago, although it had not at the last look.
        if (heap === this.#appointments)
          this.#store.appointmentCame(ref, Math.max(this.#time.ofWall(deliverAt), this.#lookedAt))
        this.#due(ref)
      }
    }
    this.#wait()
  }

  #heapOf(ref: MessageRef): Heap<MessageRef> {
    return this.#store.isDelayed(ref) ? this.#delays : this.#appointments
  }

  #nowOf(heap: Heap<MessageRef>): number {
    return heap === this.#delays ? this.#time.now() : this.#time.wall()
  }

  #wait(): void {
    this.#lookedAt = this.#time.now()
    let waitMs = Infinity
    for (const heap of [this.#appointments, this.#delays]) {
      const next = heap.peek()
      if (next !== undefined) waitMs = Math.min(waitMs, this.#store.deliverAt(next) - this.#nowOf(heap))
    }
    if (waitMs === Infinity) this.#timers.cancel(this)
    else this.#timers.set(this, this.#timers.after(Math.min(waitMs, LOOK_EVERY_MS)))
  }
}
