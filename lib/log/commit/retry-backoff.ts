import { clearTimeout, monotonicNow, setTimeout } from '../runtime/real-time.js'

const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 2000

/**
 * The wait before the disk is asked again after a failure: it doubles from 100 ms to 2 s until something
 * succeeds.
 */
export class RetryBackoff {
  #pauseMs = 0
  #until = 0
  #timer: NodeJS.Timeout | undefined
  readonly #waiting = new Set<() => void>()

  /** Milliseconds of pause that are left; 0: go. */
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

  /** Calls once when the pause is over. It does not keep the process alive. */
  afterwards(go: () => void): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      go()
    }, Math.ceil(this.leftMs)).unref()
  }

  /** Resolves when the pause is over, or is cancelled. It does not keep the process alive. */
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

  /**
   * Who waits goes on at once: a close that waited for a timer which keeps nothing alive would end the
   * process.
   */
  cancel(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.succeeded()
    for (const over of this.#waiting) over()
  }
}
