import { Append } from '../../log/commit/append.js'
import { AbortError, onAbort } from '../abort-error.js'
import type { DeferredUpdate } from '../index/deferred-updates.js'
import { type EncodedMessage, MESSAGE_FRAME_TYPE } from '../record/message.js'
import type { Enqueued } from '../types.js'

/** Handles the fate of an append of messages; the enqueuer implements it. */
export interface AppendingOwner {
  appended(appending: Appending): void
  index(appending: Appending): void
  moved(appending: Appending, segment: number, offset: number): void
  refused(appending: Appending, error: Error): void
  /** False: some of its bytes may have been written. */
  withdraw(appending: Appending): boolean
}

/** Makes what an enqueue resolves to, from the receipts and what its caller passed along. */
export type Answer<T> = (enqueued: Enqueued[], about: number) => T

export const asTheyAre: Answer<Enqueued[]> = enqueued => enqueued

/** An append of one message or of a list, from when the log takes it, with its caller's promise. */
export class Appending extends Append implements DeferredUpdate {
  readonly messages: readonly EncodedMessage[]
  place = -1
  /** The segment that holds it; -1 before it was accepted. */
  segment = -1
  readonly #owner: AppendingOwner
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void
  readonly #answer: Answer<unknown>
  readonly #about: number
  /** Removes the listener from its signal. */
  #leave: (() => void) | undefined
  #waiting: (() => void)[] | undefined

  constructor(
    messages: readonly EncodedMessage[],
    owner: AppendingOwner,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    answer: Answer<unknown>,
    about: number,
  ) {
    super(MESSAGE_FRAME_TYPE, messages.length)
    this.messages = messages
    this.#owner = owner
    this.#resolve = resolve
    this.#reject = reject
    this.#answer = answer
    this.#about = about
  }

  /** Withdraws it when this aborts, unless that is too late. */
  withdrawOn(signal: AbortSignal): void {
    this.#leave = onAbort(signal, () => {
      if (this.#owner.withdraw(this)) this.reject(new AbortError(signal))
    })
  }

  answer(enqueued: Enqueued[]): void {
    this.#leave?.()
    try {
      this.#resolve(this.#answer(enqueued, this.#about))
    } catch (error) {
      this.#reject(error)
    }
  }

  reject(error: unknown): void {
    this.#leave?.()
    this.#reject(error)
  }

  record(index: number): Buffer {
    return this.messages[index]!.record
  }

  accepted(segment: number): void {
    this.segment = segment
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

  /** Resolves when its fate is known, success or failure. */
  settled(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting ??= []
      this.#waiting.push(resolve)
    })
  }

  /** Its fate is known, and visible in the index. */
  wake(): void {
    if (this.#waiting === undefined) return
    for (const wake of this.#waiting) wake()
    this.#waiting = undefined
  }
}
