import { Append } from '../../log/commit/append.js'
import { nextTick } from '../../log/runtime/real-time.js'
import type { DeferredUpdate } from '../index/deferred-updates.js'
import type { MessageRef, OutcomeListener } from '../message-store.js'

/** What can happen to an append of one outcome; the recorder implements it. */
export interface RecordingOwner<R = Recording> {
  written(recording: R): void
  account(recording: R): void
  copied(recording: R, segment: number): void
  refused(recording: R): void
}

const NOTHING = Buffer.alloc(0)

/**
 * One outcome from the moment when it happened. The promise is made only for those who ask for it: two
 * outcomes a message are recorded, and a rejection that no one waits for is no unhandled one (the loss is
 * told by `onLost`).
 */
export class Recording extends Append implements DeferredUpdate {
  place = -1
  encoded: Uint8Array = NOTHING
  /** The message that it settles. */
  settles: MessageRef | undefined
  /** Where it was accepted; -1 before. */
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
    // The log keeps this until it is synced, a second maybe: nothing that it held is to be kept with it.
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
    // It may be within the call that records it, whose caller is not ready for that.
    if (listener !== undefined) nextTick(() => listener.refused(error))
  }
}
