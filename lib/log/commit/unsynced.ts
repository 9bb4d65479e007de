import { type ClockTimer, type ClockTimers, systemTimers } from '../runtime/clocks.js'
import type { Durability } from '../types.js'
import type { Append } from './append.js'

/** At this many bytes in memory a background sync starts. */
const MAX_UNSYNCED_BYTES = 1024 * 1024

/**
 * Accepted appends that are not synced yet, by sequence; only the relaxed durabilities have any. They stay in
 * memory until they are synced, so that they can be written again when their segment fails (invariant 5).
 */
export class Unsynced {
  readonly #syncEveryMs: number | undefined
  readonly #sync: () => void
  readonly #timers: ClockTimers
  #appends: Append[] = []
  #bytes = 0
  #timer: ClockTimer | undefined

  /** `sync` is called when a sync is due. */
  constructor(durability: Durability, sync: () => void, timers: ClockTimers = systemTimers) {
    this.#syncEveryMs = typeof durability === 'object' ? durability.syncEveryMs : undefined
    this.#sync = sync
    this.#timers = timers
  }

  get size(): number {
    return this.#appends.length
  }

  get last(): Append | undefined {
    return this.#appends.at(-1)
  }

  add(batch: readonly Append[]): void {
    for (const append of batch) {
      this.#appends.push(append)
      this.#bytes += append.bytes
    }
    if (this.#bytes >= MAX_UNSYNCED_BYTES) this.#sync()
    else if (this.#syncEveryMs !== undefined && this.#timer === undefined) {
      this.#timer = this.#timers.setTimeout(() => {
        this.#timer = undefined
        this.#sync()
      }, this.#syncEveryMs)
      this.#timer.unref()
    }
  }

  /** Drops appends that a sync has covered. */
  letGoSynced(): void {
    this.#appends = this.#appends.filter(append => !append.synced)
    this.#bytes = this.#appends.reduce((bytes, append) => bytes + append.bytes, 0)
  }

  /** Removes and returns those no sync has covered. */
  takeLost(): Append[] {
    const lost = this.#appends.filter(append => !append.synced)
    this.clear()
    return lost
  }

  clear(): void {
    this.#appends = []
    this.#bytes = 0
  }

  stopTimer(): void {
    if (this.#timer !== undefined) this.#timers.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
