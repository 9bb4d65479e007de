import { AbortError, onAbort } from '../store/abort-error.js'
import type { Attempt } from './attempt/attempt.js'
import type { RefMap } from './tables/ref-map.js'

interface Waiter {
  /** The attempt whose `send` waits, which would wait for itself. */
  readonly inside: Attempt | undefined
  resolve(result: { remaining: number }): void
  reject(error: Error): void
}

const none: ReadonlySet<Attempt> = new Set()

/** The pending calls of `drain`. */
export class DrainWaiters {
  /** Calls from inside a `send`. Kept apart, since they are gone through whenever an attempt ends. */
  readonly #inside = new Set<Waiter>()
  readonly #outside = new Set<Waiter>()

  /** Attempts under way whose own `send` waits here. */
  insiders(attempts: RefMap<Attempt>): ReadonlySet<Attempt> {
    if (this.#inside.size === 0) return none
    const insiders = new Set<Attempt>()
    for (const { inside } of this.#inside) {
      if (attempts.get(inside!.ref) === inside) insiders.add(inside!)
    }
    return insiders
  }

  wait(inside: Attempt | undefined, signal: AbortSignal | undefined): Promise<{ remaining: number }> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(new AbortError(signal))
        return
      }
      const waiters = inside === undefined ? this.#outside : this.#inside
      const end = () => {
        waiters.delete(waiter)
        forget?.()
      }
      const waiter: Waiter = {
        inside,
        resolve: result => {
          end()
          resolve(result)
        },
        reject: error => {
          end()
          reject(error)
        },
      }
      const forget = signal && onAbort(signal, () => waiter.reject(new AbortError(signal)))
      waiters.add(waiter)
    })
  }

  /**
   * Call it when nothing more can begin and only `insiders` are under way. Waiters inside those are done, as
   * they would wait for each other; waiters outside, only when nothing is under way.
   */
  look(insiders: ReadonlySet<Attempt>, remaining: number): void {
    if (this.#inside.size === 0 && this.#outside.size === 0) return
    if (insiders.size === 0) {
      this.resolve(remaining)
      return
    }
    for (const waiter of this.#inside) {
      if (insiders.has(waiter.inside!)) waiter.resolve({ remaining })
    }
  }

  resolve(remaining: number): void {
    for (const waiters of [this.#inside, this.#outside]) {
      for (const waiter of waiters) waiter.resolve({ remaining })
    }
  }

  reject(error: Error): void {
    for (const waiters of [this.#inside, this.#outside]) {
      for (const waiter of waiters) waiter.reject(error)
    }
  }
}
