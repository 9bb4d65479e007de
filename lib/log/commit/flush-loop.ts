import { nextTick, setImmediate } from '../runtime/real-time.js'

export interface Flusher {
  /** Something waits to be flushed. */
  readonly hasWork: boolean
  /**
   * One flush: a promise only where something has to be waited for, and mostly nothing has. False: there is
   * nothing to do now. The caller schedules the next flush when it knows of one.
   */
  flush(): boolean | Promise<void>
}

/** What stands for the loop while it waits for nothing. */
const atOnce = Promise.resolve()

/**
 * Runs one flush after the other while there is work. No timer and no added delay: an idle log flushes at the
 * end of the current tick, and everything that arrives during a flush forms the next one.
 */
export class FlushLoop {
  readonly #flusher: Flusher
  readonly #turns: { readonly waitForTurn: boolean } | undefined
  /** The loop, while it runs; or work that has taken its place. */
  #running: Promise<void> | undefined
  #scheduled = false
  /** Work waits to take the loop's place. */
  #isWanted = false

  /**
   * `turns`: whether the event loop is to have a turn before the next flush; it always goes on at once
   * without.
   */
  constructor(flusher: Flusher, turns: { readonly waitForTurn: boolean } | undefined) {
    this.#flusher = flusher
    this.#turns = turns
  }

  schedule(): void {
    if (this.#scheduled || this.#running !== undefined) return
    this.#scheduled = true
    if (this.#turns?.waitForTurn) setImmediate(this.#run)
    // After the promise jobs of this tick: all that a resolved flush sets going again shares the next one.
    else nextTick(this.#run)
  }

  // A flush that was due at the end of this tick may begin while the next two wait: they look again, without
  // a step between.

  /** All that waits, once nothing else runs. `first` is called before. */
  async drain(first: () => void): Promise<void> {
    while (this.#running !== undefined) await this.#running
    first()
    await this.#run()
  }

  /** Between two flushes, alone. One at a time. */
  async runAlone(work: () => Promise<void>): Promise<void> {
    this.#isWanted = true
    while (this.#running !== undefined) await this.#running
    this.#isWanted = false
    const working = work()
    void this.#runExclusive(working.catch(() => {})) // told to whoever asked for it
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
      // No one else wakes up for what came meanwhile.
      if (this.#flusher.hasWork && !this.#isWanted) this.schedule()
    })
    this.#running = running
    return running
  }
}
