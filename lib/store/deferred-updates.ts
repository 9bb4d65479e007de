import { afterPromiseJobs } from '../log/real-time.js'

export interface DeferredUpdate {
  /** Brings what is in memory up to date. */
  apply(): void
}

/**
 * Updates of the state in memory for appends that the log has accepted. The callers hear first. The updates follow in the
 * order of the log, before the event loop goes on or at the first look-up. Until then their appends count as in flight.
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
