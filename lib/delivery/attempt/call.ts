import type { TimerEntry, Timers } from '../time/timers.js'
import type { Cancellation } from './cancellation.js'

/** How a call of a user's function ended. */
export type CallResult<T> =
  | { readonly kind: 'returned'; readonly value: T }
  | { readonly kind: 'threw'; readonly error: unknown }
  /** It did neither within its time and the grace after it. */
  | { readonly kind: 'overran'; readonly error: Error }
  /** It had done neither when it was abandoned. */
  | { readonly kind: 'abandoned' }

interface CallOptions<T> {
  readonly timers: Timers
  readonly cancellation: Cancellation
  readonly timeoutMs: number
  /** How long it may still take after its signal is aborted. */
  readonly graceMs: number
  readonly timeoutError: () => Error
  /** Called if it returns after the call has ended. */
  readonly returnedLate?: (value: T) => void
}

/**
 * One call of a user's function, which may throw at once, return nothing, settle late, or never settle. The
 * call ends by itself in bounded time.
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
    options.timers.called?.(this.result)
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

  /** The first alarm ends its time, the second its grace. */
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

  /** Stops waiting for the function. */
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
