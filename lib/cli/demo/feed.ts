import type { ChatMessage } from './messages.js'
import type { NumberedMessage } from './protocol.js'
import type { Random } from './random.js'

/** At most so many messages are handed over and not yet acknowledged. */
const WINDOW = 24
const MAX_BURST = 12
/** One burst in so many is enqueued as one atomic list. */
const TOGETHER_EVERY = 6
/** After a crash up to so many acknowledged messages are enqueued again: their ids must be known. */
const MAX_OVERLAP = 12

export interface Burst {
  messages: NumberedMessage[]
  together: boolean
}

/** Hands the messages to one sender after the other, in order, and knows which were acknowledged. */
export class Feed {
  readonly #messages: readonly ChatMessage[]
  readonly #random: Random
  readonly #acknowledged: Uint8Array
  #acknowledgedCount = 0
  /** Everything below it is acknowledged. */
  #firstOpen = 0
  #next = 0
  #outstanding = 0

  constructor(messages: readonly ChatMessage[], random: Random) {
    this.#messages = messages
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
   * A new life of the sender. It can not know which of the messages without an answer are on disk, so all of them
   * are enqueued again, in order and under their ids.
   */
  restart(): void {
    this.#outstanding = 0
    this.#next = Math.max(0, this.#firstOpen - this.#random.integer(0, MAX_OVERLAP))
  }

  /** The next messages below index `until`, or undefined where the window is full or nothing is left. */
  burst(until: number): Burst | undefined {
    const room = WINDOW - this.#outstanding
    const left = Math.min(until, this.#messages.length) - this.#next
    if (room < MAX_BURST || left <= 0) return undefined
    const count = Math.min(left, this.#random.integer(1, MAX_BURST))
    const first = this.#next
    this.#next += count
    this.#outstanding += count
    return {
      messages: this.#messages
        .slice(first, this.#next)
        .map((message, place) => ({ index: first + place, ...message })),
      together: this.#random.integer(1, TOGETHER_EVERY) === 1,
    }
  }

  /** The sender said that `enqueue` resolved for this message. */
  acknowledge(index: number): void {
    this.#outstanding--
    if (this.isAcknowledged(index)) return
    this.#acknowledged[index] = 1
    this.#acknowledgedCount++
    while (this.isAcknowledged(this.#firstOpen)) this.#firstOpen++
  }
}
