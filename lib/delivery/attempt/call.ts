import type { TimerEntry, Timers } from '../time/timers.js'
import type { Cancellation } from './cancellation.js'

/** How a call of a user's function ended, if it ended while it was waited for. */
export type CallResult<T> =
  | { readonly kind: 'returned'; readonly value: T }
  | { readonly kind: 'threw'; readonly error: unknown }
  /** Neither, in its time and the grace after it. */
  | { readonly kind: 'overran'; readonly error: Error }
  /** Neither, when it was abandoned. */
  | { readonly kind: 'abandoned' }

interface CallOptions<T> {
  readonly timers: Timers
  readonly cancellation: Cancellation
  readonly timeoutMs: number
  /** How long it may still take after its signal was aborted. */
  readonly graceMs: number
  readonly timeoutError: () => Error
  /** It returned after all, when no one waited for it any more. */
  readonly returnedLate?: (value: T) => void
}

/**
 * One call of a function that is not ours: it may throw at once, return nothing, never settle, settle late.
 * The call ends by itself in bounded time.
 */
export class Call<T> implements TimerEntry {
  alarmAt = 0
  alarmIndex = -1
  readonly result: Promise<CallResult<T>>
  readonly #options: CallOptions<T>
  #resolve: (result: CallResult<T>) => void = () => {}
  #timeoutError: Error | undefined
  #ended = false

  constructor(run: () => T | Promise<T>, options: CallOptions<T>) {
    this.#options = options
    this.result = new Promise(resolve => {
      this.#resolve = resolve
    })
    options.timers.set(this, options.timers.after(options.timeoutMs))
    let returned: T | Promise<T>
    try {
      returned = run()
    } catch (error) {
      this.#end({ kind: 'threw', error })
      return
    }
    Promise.resolve(returned).then(
      value => {
        if (this.#ended) options.returnedLate?.(value)
        else this.#end({ kind: 'returned', value })
      },
      error => this.#end({ kind: 'threw', error }),
    )
  }

  /** First its time is over, then its grace. */
  fire(): void {
    const { timers, cancellation, graceMs, timeoutError } = this.#options
    if (this.#timeoutError === undefined) {
      this.#timeoutError = timeoutError()
      cancellation.cancel(this.#timeoutError)
      if (graceMs > 0) {
        timers.set(this, timers.after(graceMs))
        return
      }
    }
    this.#end({ kind: 'overran', error: this.#timeoutError })
  }

  /** No one waits any longer. */
  abandon(): void {
    this.#end({ kind: 'abandoned' })
  }

  #end(result: CallResult<T>): void {
    if (this.#ended) return
    this.#ended = true
    this.#options.timers.cancel(this)
    this.#resolve(result)
  }
}
