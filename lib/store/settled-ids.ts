/** The ids of settled messages, for as long as the dedupe window says. Rebuilt from settling outcomes after a restart. */
import { AgedMap } from './aged-map.js'
import type { SettlingKind } from './outcome.js'
import type { DedupeOptions } from './types.js'

export interface SettledId {
  readonly id: string
  readonly channel: string
  readonly digest: string
  readonly sequence: number
  readonly state: SettlingKind
  readonly attempts: number
  /** Epoch ms. */
  readonly at: number
  /** The ack segment that keeps it across a restart; compaction moves it. */
  segment: number
}

export class SettledIds {
  readonly #options: DedupeOptions
  /** Called for each id that is forgotten or replaced: nothing needs its outcome any more. */
  readonly #forgotten: (entry: SettledId) => void
  /** In the order in which they were settled. */
  readonly #entries = new AgedMap<string, SettledId>()

  constructor(options: DedupeOptions, forgotten: (entry: SettledId) => void) {
    this.#options = options
    this.#forgotten = forgotten
  }

  get size(): number {
    return this.#entries.size
  }

  add(entry: SettledId, now: number): void {
    const earlier = this.#entries.get(entry.id)
    if (earlier !== undefined) this.#forget(earlier)
    this.#entries.set(entry.id, entry)
    this.evict(now)
  }

  get(id: string, now: number): SettledId | undefined {
    const entry = this.#entries.get(id)
    return entry !== undefined && this.#isCurrent(entry, now) ? entry : undefined
  }

  /** What is remembered under this id, be it current or not. */
  peek(id: string): SettledId | undefined {
    return this.#entries.get(id)
  }

  /** Forgets what is older than the window or beyond the limit, the oldest first. */
  evict(now: number): void {
    for (let oldest = this.#entries.oldest(); oldest !== undefined; oldest = this.#entries.oldest()) {
      const entry = this.#entries.get(oldest)!
      if (this.#entries.size <= this.#options.maxIds && this.#isCurrent(entry, now)) return
      this.#forget(entry)
    }
  }

  #isCurrent(entry: SettledId, now: number): boolean {
    return entry.at > now - this.#options.windowMs
  }

  #forget(entry: SettledId): void {
    this.#entries.delete(entry.id)
    this.#forgotten(entry)
  }
}
