import { reasonText } from './errors/recorded-error.js'
import type { DispatchObserver } from './types.js'

type Reports = Required<Omit<DispatchObserver<unknown>, 'error'>>
type Facts<K extends keyof Reports> = Parameters<Reports[K]>[0]

/** Reports to the observer. An observer that throws must not stop a delivery. */
export class Reporter {
  readonly #observer: DispatchObserver<unknown>

  constructor(observer: DispatchObserver<unknown>) {
    this.#observer = observer
  }

  tell<K extends keyof Reports>(report: K, facts: Facts<K>): void {
    try {
      const observer = this.#observer as { [name in K]?: (facts: Facts<K>) => void }
      observer[report]?.(facts)
    } catch (error) {
      this.error(error)
    }
  }

  error(error: unknown): void {
    try {
      this.#observer.error(error instanceof Error ? error : new Error(String(error)))
    } catch (thrown) {
      // The process is all that is left to tell.
      process.emitWarning(reasonText(thrown instanceof Error ? thrown.message : String(thrown)))
    }
  }
}
