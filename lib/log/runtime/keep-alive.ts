import { clearInterval, setInterval } from './real-time.js'

/** Any interval will do: this is the longest. */
const FOR_EVER_MS = 2 ** 31 - 1

/**
 * Keeps the process alive while something holds it: a promise alone does not, nor does a timer that waits for
 * a disk to recover. All holds share one handle; to hold and to release cost next to nothing.
 */
export class KeepAlive {
  readonly #isOfUse: boolean
  #holds = 0
  #ended = false
  #handle: NodeJS.Timeout | undefined
  /** The last argument of `during`, and what it returned. */
  #work: Promise<unknown> | undefined
  #held: Promise<unknown> | undefined

  /** `isOfUse`: if false, holds do not keep the process alive. */
  constructor(isOfUse = true) {
    this.#isOfUse = isOfUse
  }

  /** Pair each call with one `release`. */
  hold(): void {
    if (this.#holds++ > 0 || !this.#isOfUse) return
    if (this.#handle === undefined) this.#handle = setInterval(() => {}, FOR_EVER_MS)
    else this.#handle.ref()
  }

  release(): void {
    if (--this.#holds > 0) return
    this.#handle?.unref()
    if (this.#ended) this.#drop()
  }

  /** Settles as `work` does. Successive calls with the same promise hold once. */
  during<T>(work: Promise<T>): Promise<T> {
    if (work !== this.#work) {
      this.#work = work
      this.#held = this.#during(work)
    }
    return this.#held as Promise<T>
  }

  async #during<T>(work: Promise<T>): Promise<T> {
    this.hold()
    try {
      return await work
    } finally {
      this.release()
      if (this.#work === work) this.#work = this.#held = undefined
    }
  }

  /** Few holds will follow: from now on the handle is dropped whenever no hold is left. */
  end(): void {
    this.#ended = true
    if (this.#holds === 0) this.#drop()
  }

  #drop(): void {
    clearInterval(this.#handle)
    this.#handle = undefined
  }
}

/** As `KeepAlive.during`, for a single promise. */
export function keepingAlive<T>(work: Promise<T>): Promise<T> {
  const keepAlive = new KeepAlive()
  keepAlive.end()
  return keepAlive.during(work)
}
