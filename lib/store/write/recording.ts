import { Append } from '../../log/commit/append.js'
import { nextTick } from '../../log/runtime/real-time.js'
import type { DeferredUpdate } from '../index/deferred-updates.js'
import type { MessageRef, OutcomeListener } from '../message-store.js'

/** Handles the fate of an append of one outcome; the recorder implements it. */
export interface RecordingOwner<R = Recording> {
  written(recording: R): void
  account(recording: R): void
  copied(recording: R, segment: number): void
  refused(recording: R): void
}

const NOTHING = Buffer.alloc(0)

/**
 * One outcome, from the moment it happened. Its promise is made only on demand: two outcomes a message are
 * recorded, and a rejection that no one awaits must not count as unhandled (`onLost` tells the loss).
 */
export class Recording extends Append implements DeferredUpdate {
  place = -1
  encoded: Uint8Array = NOTHING
  /** The message that it settles. */
  settles: MessageRef | undefined
  /** The segment that holds it; -1 before it was accepted. */
  segment = -1
  readonly #owner: RecordingOwner
  #onWritten: ((segment: number) => void) | undefined
  #listener: OutcomeListener | undefined
  #state: 'open' | 'written' | 'failed' = 'open'
  #error: Error | undefined
  #promise: Promise<void> | undefined
  #resolve: (() => void) | undefined
  #reject: ((error: Error) => void) | undefined

  /** `onWritten`: what the outcome changes once it is written. */
  constructor(
    owner: RecordingOwner,
    onWritten: (segment: number) => void,
    listener?: OutcomeListener,
    count = 1,
  ) {
    super(0, count)
    this.#owner = owner
    this.#onWritten = onWritten
    this.#listener = listener
  }

  record(_index?: number): Uint8Array {
    return this.encoded
  }

  get written(): Promise<void> {
    this.#promise ??= this.#makePromise()
    return this.#promise
  }

  #makePromise(): Promise<void> {
    if (this.#state === 'written') return Promise.resolve()
    if (this.#state === 'failed') return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  accepted(segment: number, _offset: number): void {
    this.segment = segment
    this.#state = 'written'
    this.#owner.written(this)
    this.#resolve?.()
    this.#listener?.written()
    // The log keeps this object until it is synced, perhaps for a second: release all that it held.
    this.#listener = undefined
    this.#promise = undefined
    this.#resolve = undefined
    this.#reject = undefined
  }

  apply(): void {
    this.#owner.account(this)
    this.#onWritten!(this.segment)
    this.#onWritten = undefined
  }

  moved(segment: number, _offset: number): void {
    this.#owner.copied(this, segment)
    this.segment = segment
  }

  failed(error: Error): void {
    this.#state = 'failed'
    this.#error = error
    this.#owner.refused(this)
    this.#reject?.(error)
    const listener = this.#listener
    // This may run within the recording call, whose caller is not ready for it.
    if (listener !== undefined) nextTick(() => listener.refused(error))
  }
}
