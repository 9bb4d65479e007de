import type { MessageRef } from '../../store/message-store.js'

/** Entries of a page. A column grows by pages, so that a growing queue never copies its entries. */
const PAGE_BITS = 14
const PAGE_LENGTH = 1 << PAGE_BITS
const PAGE_MASK = PAGE_LENGTH - 1

/** One small integer for each message, indexed by its ref. 0 if nothing was set. */
class Column<Page extends Int32Array | Uint8Array> {
  readonly #pages: Page[] = []
  readonly #makePage: () => Page

  constructor(makePage: () => Page) {
    this.#makePage = makePage
  }

  get(ref: MessageRef): number {
    return this.#pages[ref >>> PAGE_BITS]?.[ref & PAGE_MASK] ?? 0
  }

  set(ref: MessageRef, value: number): void {
    const number = ref >>> PAGE_BITS
    let page = this.#pages[number]
    while (page === undefined) {
      this.#pages.push(this.#makePage())
      page = this.#pages[number]
    }
    page[ref & PAGE_MASK] = value
  }
}

const integers = () => new Column(() => new Int32Array(PAGE_LENGTH))
const bytes = () => new Column(() => new Uint8Array(PAGE_LENGTH))

/** Where a message is. A plain object, because a column holds numbers. */
export const QueuePosition = {
  /** Not to be sent: settled, dead, or never seen. */
  gone: 0,
  /** In its channel's chain. */
  chain: 1,
  /** In its channel's heap of messages out of turn: redriven, or scheduled and newly due. */
  side: 2,
  /** In backoff in a channel that is not ordered. */
  resting: 3,
  /** Not due yet: it holds no place in its channel. */
  scheduled: 4,
  /** Under way. */
  taken: 5,
} as const

/** What this life remembers of a message, besides what the store knows. */
export const DeliveryFlag = {
  /** A person redrove it although it may have been sent: at-most-once does not stop it. */
  doubtAccepted: 1,
  /** Its attempts are used up; it waits only to ask the receiver. */
  givenUp: 2,
  /** From an earlier life, and not attempted in this one yet. */
  recovered: 4,
  /** It waits because its receiver was down, until that is up again. */
  outage: 8,
  /** That wait is over: it is due. */
  outageOver: 16,
  /** `onAmbiguous` was asked about it and answered: its next turn sends it. */
  asked: 32,
  /** The answer was that it had not been sent. */
  notSent: 64,
  /** A newer message that replaces it is being written: no attempt begins meanwhile. */
  beingReplaced: 128,
} as const

/** Eleven bytes per message: all that the dispatcher keeps of a waiting one. */
export class MessageColumns {
  /** A value of `QueuePosition`. */
  readonly place = bytes()
  /**
   * Neighbours in the chain, as ref + 1; meaningless at its ends. `previous` is also a message's position in
   * a heap.
   */
  readonly previous = integers()
  readonly next = integers()
  /**
   * Failures, charged or not, up to 255: the step of the backoff. A rate limit with a wait does not count.
   */
  readonly failures = bytes()
  /** Bits of `DeliveryFlag`. */
  readonly marks = bytes()

  /**
   * Refs are reused, so a new message must inherit nothing. `marks`: bits of `DeliveryFlag` that it begins
   * with.
   */
  reset(ref: MessageRef, marks = 0): void {
    this.failures.set(ref, 0)
    this.marks.set(ref, marks)
  }

  countFailure(ref: MessageRef): number {
    const count = Math.min(this.failures.get(ref) + 1, 255)
    this.failures.set(ref, count)
    return count
  }

  mark(ref: MessageRef, mark: number): void {
    this.marks.set(ref, this.marks.get(ref) | mark)
  }

  unmark(ref: MessageRef, mark: number): void {
    this.marks.set(ref, this.marks.get(ref) & ~mark)
  }

  hasMark(ref: MessageRef, mark: number): boolean {
    return (this.marks.get(ref) & mark) !== 0
  }
}
