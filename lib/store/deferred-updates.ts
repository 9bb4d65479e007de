import { afterPromiseJobs } from '../log/real-time.js'

export interface DeferredUpdate {
  /** Brings what is in memory up to date. */
  apply(): void
}

/**
 * What the log has accepted and what is in memory does not show yet: whoever waits for the log hears of it first. It is
 * made up for, in the order of the log, before the event loop goes on, or when somebody looks. Until then it counts as in
 * flight.
 */
export class DeferredUpdates {
  /** A defect: what it hit is out of date, and the rest goes on. */
  onError: (error: unknown) => void = error => {
    throw error
  }
  #updates: DeferredUpdate[] = []

  add(update: DeferredUpdate): void {
    this.#updates.push(update)
    if (this.#updates.length === 1) afterPromiseJobs(this.apply)
  }

  readonly apply = (): void => {
    if (this.#updates.length === 0) return
    const updates = this.#updates
    this.#updates = []
    for (const update of updates) {
      try {
        update.apply()
      } catch (error) {
        this.onError(error)
      }
    }
  }
}
