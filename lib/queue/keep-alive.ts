import { clearInterval, setInterval } from '../log/real-time.js'

/** Any; a timer of the longest kind. */
const FOR_EVER_MS = 2 ** 31 - 1

/** Keeps the process alive while somebody waits: a promise alone does not. */
export class KeepAlive {
  #waiting = 0
  #timer: NodeJS.Timeout | undefined

  /** Settles as `work` does. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#waiting += 1
    this.#timer ??= setInterval(() => {}, FOR_EVER_MS)
    try {
      return await work
    } finally {
      this.#waiting -= 1
      if (this.#waiting === 0) {
        clearInterval(this.#timer)
        this.#timer = undefined
      }
    }
  }
}
