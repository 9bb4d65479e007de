import type { MessageRef } from '../../store/message-store.js'

/** Entries of a page: a column grows by this many, so that a growing queue never copies what it has. */
const PAGE_BITS = 14
const PAGE_LENGTH = 1 << PAGE_BITS
const PAGE_MASK = PAGE_LENGTH - 1

/** One small integer for each message, indexed by its ref. 0 where nothing was set. */
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
  /** In its channel's heap of those that came out of turn: redriven, or scheduled and newly due. */
  side: 2,
  /** In backoff in a channel that is not ordered. */
  resting: 3,
  /** Not due yet: it holds no place in its channel. */
  scheduled: 4,
  /** Under way. */
  taken: 5,
} as const

/** What this life remembers of a message, beside what the store knows. */
export const DeliveryFlag = {
  /** A person redrove it though it may have been sent: at-most-once does not stop it. */
  doubtAccepted: 1,
  /** Its attempts are used up; it waits only for what the receiver says. */
  givenUp: 2,
  /** From an earlier life, and not attempted in this one yet. */
  recovered: 4,
  /** It waits because its receiver was down: when that is up again, no longer. */
  outage: 8,
  /** That wait is over: it is due. */
  outageOver: 16,
} as const

/** Eleven bytes a message: all that this floor keeps of a waiting one. */
export class MessageColumns {
  /** Of `QueuePosition`. */
  readonly place = bytes()
  /**
   * Neighbours in the chain: ref + 1, undefined at its ends. Also, for a message in a heap, its position
   * there.
   */
  readonly previous = integers()
  readonly next = integers()
  /**
   * Failures without a wait that the receiver told, up to 255: how far the backoff has come, charged or not.
   */
  readonly failures = bytes()
  /** Bits of `DeliveryFlag`. */
  readonly marks = bytes()

  /** Refs are reused: a new message must not inherit. `marks`: bits of `DeliveryFlag` that it begins with. */
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
