import { AbortError } from '../store/abort-error.js'
import type { Attempt } from './attempt.js'
import type { RefMap } from './ref-map.js'
import type { Timers } from './timers.js'

interface Waiter {
  /** The attempt inside whose `send` somebody waits: it would wait for itself. */
  readonly inside: Attempt | undefined
  resolve(result: { remaining: number }): void
  reject(error: Error): void
}

/** Those who wait in `drain`. While there are any, waiting keeps the process alive. */
export class Drains {
  readonly #timers: Timers
  readonly #waiters = new Set<Waiter>()

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Attempts under way that wait here themselves. */
  insiders(attempts: RefMap<Attempt>): ReadonlySet<Attempt> {
    const insiders = new Set<Attempt>()
    for (const { inside } of this.#waiters) {
      if (inside !== undefined && attempts.get(inside.ref) === inside) insiders.add(inside)
    }
    return insiders
  }

  wait(inside: Attempt | undefined, signal: AbortSignal | undefined): Promise<{ remaining: number }> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(new AbortError(signal))
        return
      }
      const end = () => {
        this.#waiters.delete(waiter)
        this.#timers.release()
        signal?.removeEventListener('abort', aborted)
      }
      const aborted = () => waiter.reject(new AbortError(signal!))
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
      signal?.addEventListener('abort', aborted, { once: true })
      this.#waiters.add(waiter)
      this.#timers.hold()
    })
  }

  /**
   * Nothing can begin any more, and nothing is under way but these: those who wait inside them are done, for they
   * would wait for each other. Those outside are when nothing is under way at all.
   */
  look(insiders: ReadonlySet<Attempt>, remaining: number): void {
    for (const waiter of this.#waiters) {
      const isInside = waiter.inside !== undefined && insiders.has(waiter.inside)
      if (isInside || insiders.size === 0) waiter.resolve({ remaining })
    }
  }

  resolve(remaining: number): void {
    for (const waiter of this.#waiters) waiter.resolve({ remaining })
  }

  reject(error: Error): void {
    for (const waiter of this.#waiters) waiter.reject(error)
  }
}
