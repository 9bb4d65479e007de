import type { ChatMessage } from './messages.js'
import type { PlannedCall } from './protocol.js'
import type { Random } from './random.js'

/** One call in so many is of an atomic list; all others are of one message. */
const LIST_EVERY = 30
const MAX_LIST = 12
/** After a crash up to so many acknowledged messages are enqueued again: their ids must be known. */
const MAX_OVERLAP = 12

/**
 * Plans what each sender enqueues, in order and at a fixed rate, and knows which messages were acknowledged.
 */
export class Feed {
  readonly #messages: readonly ChatMessage[]
  readonly #rate: number
  readonly #random: Random
  readonly #acknowledged: Uint8Array
  #acknowledgedCount = 0
  /** Everything below it is acknowledged. */
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
   * What a new life of the sender enqueues. It cannot know which of the messages without an answer are on
   * disk, so all of them are enqueued again, in order and under their ids.
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
