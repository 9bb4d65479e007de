import { clearTimeout, monotonicNow, setTimeout } from '../runtime/real-time.js'

const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 2000

/** The pause before a retry after a disk failure: it doubles from 100 ms to 2 s until something succeeds. */
export class RetryBackoff {
  #pauseMs = 0
  #until = 0
  #timer: NodeJS.Timeout | undefined
  readonly #waiting = new Set<() => void>()

  /** Milliseconds left of the pause; 0: retry now. */
  get leftMs(): number {
    return Math.max(0, this.#until - monotonicNow())
  }

  failed(): void {
    this.#pauseMs = Math.min(MAX_PAUSE_MS, this.#pauseMs === 0 ? FIRST_PAUSE_MS : this.#pauseMs * 2)
    this.#until = monotonicNow() + this.#pauseMs
  }

  succeeded(): void {
    this.#pauseMs = 0
    this.#until = 0
  }

  /** Calls `go` once when the pause is over. It does not keep the process alive. */
  afterwards(go: () => void): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      go()
    }, Math.ceil(this.leftMs)).unref()
  }

  /** Resolves when the pause is over or cancelled. It does not keep the process alive. */
  wait(): Promise<void> {
    return new Promise(resolve => {
      const over = (): void => {
        this.#waiting.delete(over)
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(over, Math.ceil(this.leftMs)).unref()
      this.#waiting.add(over)
    })
  }

  /** Waiters go on at once: if a close waited for an unreferenced timer, the process could exit first. */
  cancel(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.succeeded()
    for (const over of this.#waiting) over()
  }
}
