import type { ChatMessage } from './messages.js'
import type { PlannedCall } from './protocol.js'
import type { Random } from './random.js'

/** One call in this many has an atomic list; the others have one message. */
const LIST_EVERY = 30
const MAX_LIST = 12
/** The most acknowledged messages enqueued again after a crash: the queue must know their ids. */
const MAX_OVERLAP = 12

/**
 * Plans the calls of each sender, in order and at a fixed rate, and tracks which messages were acknowledged.
 */
export class Feed {
  readonly #messages: readonly ChatMessage[]
  readonly #rate: number
  readonly #random: Random
  readonly #acknowledged: Uint8Array
  #acknowledgedCount = 0
  /** All messages before it are acknowledged. */
  #firstOpen = 0

  /** `rate`: messages a second. */
  constructor(messages: readonly ChatMessage[], rate: number, random: Random) {
    this.#messages = messages
    this.#rate = rate
    this.#random = random
    this.#acknowledged = new Uint8Array(messages.length)
  }

  /** How many different messages were acknowledged. */
  get acknowledgedCount(): number {
    return this.#acknowledgedCount
  }

  /** Every message was acknowledged. */
  get isDone(): boolean {
    return this.#acknowledgedCount === this.#messages.length
  }

  isAcknowledged(index: number): boolean {
    return this.#acknowledged[index] === 1
  }

  /**
   * The calls of a new life of the sender. It cannot know which unacknowledged messages are on disk, so it
   * enqueues all of them again, in order and under their ids.
   */
  plan(): PlannedCall[] {
    const calls: PlannedCall[] = []
    let first = Math.max(0, this.#firstOpen - this.#random.integer(0, MAX_OVERLAP))
    while (first < this.#messages.length) {
      const count = this.#random.integer(1, LIST_EVERY) === 1 ? this.#random.integer(2, MAX_LIST) : 1
      const messages = this.#messages
        .slice(first, first + count)
        .map((message, place) => ({ index: first + place, ...message }))
      calls.push({ dueMs: (first * 1000) / this.#rate, messages })
      first += count
    }
    return calls
  }

  /** The sender said that `enqueue` resolved for this message. */
  acknowledge(index: number): void {
    if (this.isAcknowledged(index)) return
    this.#acknowledged[index] = 1
    this.#acknowledgedCount++
    while (this.isAcknowledged(this.#firstOpen)) this.#firstOpen++
  }
}
