import { nextTick, setImmediate } from '../runtime/real-time.js'

export interface Flusher {
  /** Something waits to be flushed. */
  readonly hasWork: boolean
  /**
   * One flush. It returns a promise only if it must wait, which is rare. False: there is nothing to do until
   * `schedule` is called.
   */
  flush(): boolean | Promise<void>
}

/** Stands for the loop while it runs synchronously. */
const atOnce = Promise.resolve()

/**
 * Runs one flush after another while there is work. No timer and no added delay: an idle log flushes at the
 * end of the current tick, and everything that arrives during a flush forms the next one.
 */
export class FlushLoop {
  readonly #flusher: Flusher
  readonly #turns: { readonly waitForTurn: boolean } | undefined
  /** The running loop, or work that runs in its place. */
  #running: Promise<void> | undefined
  #scheduled = false
  /** Work waits to take the loop's place. */
  #isWanted = false

  /** `turns`: tells whether the event loop gets a turn before the next flush. Without it, it never does. */
  constructor(flusher: Flusher, turns: { readonly waitForTurn: boolean } | undefined) {
    this.#flusher = flusher
    this.#turns = turns
  }

  schedule(): void {
    if (this.#scheduled || this.#running !== undefined) return
    this.#scheduled = true
    if (this.#turns?.waitForTurn) setImmediate(this.#run)
    // After the promise jobs of this tick: everything that a resolved flush triggers shares the next one.
    else nextTick(this.#run)
  }

  // A scheduled flush may begin while the next two methods wait: they check again, then go on at once.

  /** Flushes everything that waits, once nothing else runs. `first` is called right before. */
  async drain(first: () => void): Promise<void> {
    while (this.#running !== undefined) await this.#running
    first()
    await this.#run()
  }

  /** Runs `work` alone, between two flushes. One call at a time. */
  async runAlone(work: () => Promise<void>): Promise<void> {
    this.#isWanted = true
    while (this.#running !== undefined) await this.#running
    this.#isWanted = false
    const working = work()
    void this.#runExclusive(working.catch(() => {})) // reported to the caller
    await working
  }

  readonly #run = (): void | Promise<void> => {
    this.#scheduled = false
    if (this.#running !== undefined) return
    this.#running = atOnce
    let waits: void | Promise<void>
    try {
      waits = this.#flushUntilWait()
    } finally {
      this.#running = undefined
    }
    if (waits !== undefined) return this.#runExclusive(this.#flushOn(waits))
  }

  async #flushOn(first: Promise<void>): Promise<void> {
    let waits: void | Promise<void> = first
    while (waits !== undefined) {
      await waits
      waits = this.#flushUntilWait()
    }
  }

  #flushUntilWait(): void | Promise<void> {
    while (!this.#isWanted) {
      const flushed = this.#flusher.flush()
      if (flushed === false) return
      if (flushed !== true) return flushed
    }
  }

  #runExclusive(work: Promise<void>): Promise<void> {
    const running = work.finally(() => {
      if (this.#running === running) this.#running = undefined
      // Nothing else would flush what came meanwhile.
      if (this.#flusher.hasWork && !this.#isWanted) this.schedule()
    })
    this.#running = running
    return running
  }
}
