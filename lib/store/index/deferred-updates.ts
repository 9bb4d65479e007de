import { afterPromiseJobs } from '../../log/runtime/real-time.js'

export interface DeferredUpdate {
  /** Brings what is in memory up to date. */
  apply(): void
}

/** How many wait for a look-up at most, beside those of the same tick. */
const MAX_LAGGING = 64

/**
 * Updates of the state in memory for accepted appends. Callers are told first. Until its update is applied,
 * an append counts as in flight.
 *
 * What must be known before the event loop goes on follows by then (`add`). What only a look-up could see
 * waits for one, or for many of its kind (`lag`): code that runs for many at once is a tenth as dear as code
 * that runs for one now and then. An update that lags may only depend on earlier ones.
 */
export class DeferredUpdates {
  /** A defect: what it hit is out of date, and the rest goes on. */
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

  /** All: for whatever looks up what any of them changes. */
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
