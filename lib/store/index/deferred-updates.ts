import { afterPromiseJobs } from '../../log/runtime/real-time.js'

export interface DeferredUpdate {
  /** Updates the state in memory. */
  apply(): void
}

/** The most updates that wait for a look-up, besides those of the same tick. */
const MAX_LAGGING = 64

/**
 * Updates of the state in memory for accepted appends. Callers are told first. Until its update is applied,
 * an append counts as in flight.
 *
 * An update that must show before the event loop goes on is applied by then (`add`). One that only a look-up
 * could see waits for a look-up, or until many have gathered (`lag`): code that runs for many at once is a
 * tenth as dear as code that runs for one now and then. An update that lags may only depend on earlier ones.
 */
export class DeferredUpdates {
  /** Called on a defect: what it hit is out of date, and the rest goes on. */
  onError: (error: unknown) => void = error => {
    throw error
  }
  #due: DeferredUpdate[] = []
  #lagging: DeferredUpdate[] = []

  add(update: DeferredUpdate): void {
    this.#due.push(update)
    if (this.#due.length === 1) afterPromiseJobs(this.applyDue)
  }

  lag(update: DeferredUpdate): void {
    this.#lagging.push(update)
    if (this.#lagging.length === MAX_LAGGING) afterPromiseJobs(this.apply)
  }

  /** All but those that lag. */
  readonly applyDue = (): void => {
    if (this.#due.length === 0) return
    const updates = this.#due
    this.#due = []
    this.#applyEach(updates)
  }

  /** Applies all of them: call before looking up anything that one of them changes. */
  readonly apply = (): void => {
    this.applyDue()
    if (this.#lagging.length === 0) return
    const updates = this.#lagging
    this.#lagging = []
    this.#applyEach(updates)
  }

  #applyEach(updates: readonly DeferredUpdate[]): void {
    for (const update of updates) {
      try {
        update.apply()
      } catch (error) {
        this.onError(error)
      }
    }
  }
}
