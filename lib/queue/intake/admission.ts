import { WaqError } from '../../log/errors/waq-error.js'
import type { KeepAlive } from '../../log/runtime/keep-alive.js'
import { AbortError, onAbort } from '../../store/abort-error.js'
import { WaitingLine } from './waiting-line.js'

export interface PendingLimits {
  /** Infinity: no limit, also for bytes. */
  readonly maxPendingMessages: number
  readonly maxPendingBytes: number
  readonly whenFull: 'reject' | 'wait'
}

/** The messages that wait in the store. */
export interface PendingLoad {
  pendingMessages(): number
  pendingBytes(): number
}

interface Waiter {
  readonly messages: number
  readonly bytes: number
  readonly admit: () => void
  readonly reject: (error: Error) => void
}

/**
 * Admits messages while the queue has room. Admitted messages that are not in the store yet count too, so
 * concurrent enqueues cannot exceed the limit together.
 */
export class Admission {
  readonly #limits: PendingLimits
  readonly #keepAlive: KeepAlive
  readonly #load: PendingLoad
  readonly limited: boolean
  #messagesOnTheirWay = 0
  #bytesOnTheirWay = 0
  /** In order of arrival. No one overtakes the first of them, however small. */
  readonly #waiters = new WaitingLine<Waiter>()
  #closedBy: WaqError | undefined

  constructor(limits: PendingLimits, keepAlive: KeepAlive, load: PendingLoad) {
    this.#limits = limits
    this.#keepAlive = keepAlive
    this.#load = load
    this.limited = limits.maxPendingMessages !== Infinity || limits.maxPendingBytes !== Infinity
  }

  /** Takes room until `release`. False: there is not enough, or others wait. */
  tryTake(messages: number, bytes: number): boolean {
    if (this.#waiters.first !== undefined || !this.#fits(messages, bytes)) return false
    this.#take(messages, bytes)
    return true
  }

  /**
   * Takes room and runs `work` in the same tick, so later calls cannot overtake it; with `whenFull: 'wait'`
   * as soon as there is room. Rejects with WAQ_FULL, WAQ_TOO_LARGE (it can never fit), an AbortError, the
   * error given to `close`, or as `work` does.
   */
  whenAdmitted<T>(
    messages: number,
    bytes: number,
    ids: readonly string[],
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    if (this.tryTake(messages, bytes)) return work()
    if (this.#limits.whenFull === 'reject' || !this.#couldFit(messages, bytes)) {
      return Promise.reject(this.refusal(messages, bytes, ids))
    }
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy)
    if (signal?.aborted) return Promise.reject(new AbortError(signal))
    return new Promise<T>((resolve, reject) => {
      const leave = () => {
        leaveLine()
        this.#keepAlive.release()
        forget?.()
      }
      const waiter: Waiter = {
        messages,
        bytes,
        admit: () => {
          leave()
          this.#take(messages, bytes)
          resolve(work())
        },
        reject: error => {
          leave()
          reject(error)
        },
      }
      const leaveLine = this.#waiters.join(waiter)
      this.#keepAlive.hold()
      const forget =
        signal &&
        onAbort(signal, () => {
          waiter.reject(new AbortError(signal))
          // Those behind it may fit.
          this.roomChanged()
        })
    })
  }

  /** Returns the room: the messages are in the store now, or were refused there. */
  release(messages: number, bytes: number): void {
    this.#messagesOnTheirWay -= messages
    this.#bytesOnTheirWay -= bytes
    this.roomChanged()
  }

  /** Admits from the head of the line as many as fit. */
  roomChanged(): void {
    let waiter = this.#waiters.first
    while (waiter !== undefined && this.#fits(waiter.messages, waiter.bytes)) {
      waiter.admit()
      waiter = this.#waiters.first
    }
  }

  close(error: WaqError): void {
    this.#closedBy ??= error
    for (let waiter = this.#waiters.first; waiter !== undefined; waiter = this.#waiters.first)
      waiter.reject(error)
  }

  #fits(messages: number, bytes: number): boolean {
    const { maxPendingMessages, maxPendingBytes } = this.#limits
    return (
      this.#load.pendingMessages() + this.#messagesOnTheirWay + messages <= maxPendingMessages &&
      this.#load.pendingBytes() + this.#bytesOnTheirWay + bytes <= maxPendingBytes
    )
  }

  #take(messages: number, bytes: number): void {
    this.#messagesOnTheirWay += messages
    this.#bytesOnTheirWay += bytes
  }

  /** The error for messages that do not fit now, or can never fit. */
  refusal(messages: number, bytes: number, ids: readonly string[]): WaqError {
    const limits = this.#describeLimits()
    if (!this.#couldFit(messages, bytes)) {
      return new WaqError(
        'WAQ_TOO_LARGE',
        `${describe(messages, bytes)} can never fit: the queue holds at most ${limits}. ` +
          'Enqueue less at once, or raise `limits`.',
        { ids },
      )
    }
    const holds = describe(
      this.#load.pendingMessages() + this.#messagesOnTheirWay,
      this.#load.pendingBytes() + this.#bytesOnTheirWay,
    )
    return new WaqError(
      'WAQ_FULL',
      `The queue is full: it holds ${holds} of at most ${limits}, and ${describe(messages, bytes)} more ` +
        `do not fit. ` +
        "Nothing was written. Try again later, use `limits.whenFull: 'wait'`, or raise `limits`.",
      { ids },
    )
  }

  #couldFit(messages: number, bytes: number): boolean {
    return messages <= this.#limits.maxPendingMessages && bytes <= this.#limits.maxPendingBytes
  }

  #describeLimits(): string {
    const { maxPendingMessages, maxPendingBytes } = this.#limits
    const parts = []
    if (maxPendingMessages !== Infinity) parts.push(`${maxPendingMessages} messages`)
    if (maxPendingBytes !== Infinity) parts.push(`${maxPendingBytes} bytes`)
    return parts.join(' and ')
  }
}

function describe(messages: number, bytes: number): string {
  return `${messages} message${messages === 1 ? '' : 's'} (${bytes} bytes)`
}
