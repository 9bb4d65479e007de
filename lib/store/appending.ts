import type { AppendListener } from '../log/types.js'
import type { DeferredUpdate } from './deferred-updates.js'
import type { EncodedMessage } from './message.js'
import type { Enqueued } from './types.js'

/** What becomes of an append of messages; the enqueuer answers. */
export interface AppendingOwner {
  appended(appending: Appending): void
  index(appending: Appending): void
  moved(appending: Appending, segment: number, offset: number): void
  refused(appending: Appending, error: Error): void
}

/** Whoever waits for an append of messages. */
export interface Waiter {
  resolve(enqueued: Enqueued[]): void
  reject(error: unknown): void
}

/** An append of one message, or of a list, from the moment when the log takes it. */
export class Appending implements AppendListener, DeferredUpdate {
  readonly messages: readonly EncodedMessage[]
  readonly firstSequence: number
  place = -1
  /** Where it was accepted; -1 before. */
  segment = -1
  offset = 0
  readonly waiter: Waiter
  readonly #owner: AppendingOwner
  #waiting: (() => void)[] | undefined

  constructor(
    messages: readonly EncodedMessage[],
    firstSequence: number,
    owner: AppendingOwner,
    waiter: Waiter,
  ) {
    this.messages = messages
    this.firstSequence = firstSequence
    this.#owner = owner
    this.waiter = waiter
  }

  accepted(segment: number, offset: number): void {
    this.segment = segment
    this.offset = offset
    this.#owner.appended(this)
  }

  apply(): void {
    this.#owner.index(this)
  }

  moved(segment: number, offset: number): void {
    this.#owner.moved(this, segment, offset)
    this.segment = segment
  }

  failed(error: Error): void {
    this.#owner.refused(this, error)
    this.wake()
  }

  /** Resolves when its fate is known, whatever it is. */
  settled(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting ??= []
      this.#waiting.push(resolve)
    })
  }

  /** Its fate is known, and shows in the index. */
  wake(): void {
    if (this.#waiting === undefined) return
    for (const wake of this.#waiting) wake()
    this.#waiting = undefined
  }
}
