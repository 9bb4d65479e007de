import { systemCode } from '../log/system-error.js'
import type { MessageRef, MessageStore, Outcome } from '../store/message-store.js'

interface LedgerListener {
  /** The store knows of it; it may not be written yet. */
  recorded(ref: MessageRef, kind: Outcome['kind']): void
  /** Everything recorded so far is written. */
  allWritten(): void
  /** The store takes nothing any more. */
  refused(error: unknown): void
}

/** Records outcomes, and knows how many of them are not written yet. */
export class Ledger {
  /** Outcomes that are not written yet. */
  unwritten = 0
  readonly #store: MessageStore
  readonly #listener: LedgerListener
  #last: Promise<unknown> = Promise.resolve()

  constructor(store: MessageStore, listener: LedgerListener) {
    this.#store = store
    this.#listener = listener
  }

  /**
   * Records an outcome; `written` is called when it survives a killed process, in the order of recording. Resolves to
   * whether it was written: false means that the store is closed or lost. Never rejects.
   */
  record(ref: MessageRef, outcome: Outcome, written?: () => void): Promise<boolean> {
    return this.#track(() => {
      const recording = this.#store.record(ref, outcome)
      this.#listener.recorded(ref, outcome.kind)
      return recording
    }, written)
  }

  /** Calls back when everything recorded so far is written; not at all when the store refuses it. */
  whenWritten(callback: () => void): void {
    if (this.unwritten === 0) callback()
    else void this.#last.then(written => written !== false && callback())
  }

  resumed(channel: string, at: number): void {
    void this.#track(() => this.#store.recordResumed(channel, at))
  }

  #track(record: () => { written: Promise<void> }, written?: () => void): Promise<boolean> {
    this.unwritten++
    let promise: Promise<void>
    try {
      promise = record().written
    } catch (error) {
      promise = Promise.reject(error)
    }
    const result = promise.then(
      () => {
        written?.()
        this.#done()
        return true
      },
      error => {
        this.#listener.refused(error)
        this.#done()
        return false
      },
    )
    this.#last = result
    return result
  }

  #done(): void {
    if (--this.unwritten === 0) this.#listener.allWritten()
  }
}

/** The store was closed in an orderly way: what is refused now is no failure. */
export function isClosed(error: unknown): boolean {
  return systemCode(error) === 'WAQ_CLOSED'
}
