/**
 * What earlier lives used of the windows of limits, so that a restart empties none, and what this life
 * records of them.
 *
 *     Before an attempt is recorded, and so before `send` is called, its place in every window is on record,
 *     as an *open* one or as one that ended. Soon after it ends, its end is recorded too.
 *
 * So after a crash every attempt is counted: ended ones by their end, open ones as if they had ended at the
 * opening. Records are in the ack log before the marks of the attempts that they count. A lost tail can only
 * have held one attempt of each message that it puts in doubt (`attempt-window.ts`): that message is in doubt
 * without a first attempt on record. Where more may be lost (corrupt bytes, or messages that were not on the
 * device), that is recorded too: attempts that ended before are *uncounted*, and every window counts as full
 * at that moment.
 *
 * The last record of each window is needed until nothing in it counts any longer.
 */

import { type PlacesFold, windowKey } from '../fold/places-fold.js'
import type { LimitUsage, Scope } from '../message-store.js'
import type { PlacesRecord, UncountedRecord } from '../record/outcome.js'
import type { SegmentUsage } from '../usage/segment-usage.js'

/**
 * A running process renews the record of its open places after a quarter of this time. So a record older than
 * the latest moment by more than this was replaced, even if its replacement is gone.
 */
const OPEN_LASTS_MS = 20_000
/** The clocks of two lives may differ by this much unnoticed: see `QueueTime`. */
const CLOCKS_MS = 1_000
const EVICT_EVERY_MS = 60_000

interface Placed {
  ackSequence: number
  /** Undefined: not written yet. */
  segment: number | undefined
  /** In the queue's time. */
  until: number
}

export class TakenPlaces {
  uncountedBefore = 0
  readonly #usage: SegmentUsage
  /** The last record of each window. */
  readonly #last = new Map<string, Placed>()
  #uncounted: Placed | undefined
  /** By scope and target. */
  readonly #taken = new Map<string, Pick<LimitUsage, 'perMs' | 'ends'>[]>()
  #evictedAt = 0

  constructor(usage: SegmentUsage) {
    this.#usage = usage
  }

  /**
   * Takes what an opening found. `latest`: the latest moment on disk. Returns the records to write, because
   * open places are no longer open.
   */
  opened(fold: PlacesFold, openedAt: number, latest: number): LimitUsage[] {
    const renewed: LimitUsage[] = []
    for (const { record, ackSequence, segment } of fold.last.values()) {
      const { scope, target, perMs, at, open } = record
      const ends = record.ends.map((value, i) =>
        i % 2 === 0 ? Math.min(value + CLOCKS_MS, openedAt) : value,
      )
      const isOpen = open > 0 && latest <= at + OPEN_LASTS_MS
      if (isOpen) ends.push(openedAt, open)
      const until = lastOf(ends) + perMs
      if (until <= openedAt) continue
      const places = { scope, target, perMs, open: 0, ends }
      const key = targetKey(scope, target)
      const known = this.#taken.get(key)
      if (known === undefined) this.#taken.set(key, [places])
      else known.push(places)
      const placed = { ackSequence, segment: undefined, until }
      this.#last.set(windowKey(record), placed)
      this.#place(placed, segment)
      if (isOpen) renewed.push(places)
    }
    if (fold.uncounted !== undefined) {
      const { at, ackSequence, segment } = fold.uncounted
      this.uncountedBefore = at
      this.#uncounted = { ackSequence, segment: undefined, until: Number.POSITIVE_INFINITY }
      this.#place(this.#uncounted, segment)
    }
    return renewed
  }

  taken(scope: Scope, target: string): readonly Pick<LimitUsage, 'perMs' | 'ends'>[] {
    return this.#taken.size === 0 ? none : (this.#taken.get(targetKey(scope, target)) ?? none)
  }

  /** A record was handed to the ack log. Returns a function to call with its segment when it is written. */
  appended(record: PlacesRecord | UncountedRecord): (segment: number, ackSequence: number) => void {
    const before = this.#find(record)
    const placed: Placed = { ackSequence: 0, segment: undefined, until: untilOf(record) }
    if (before !== undefined) this.#release(before)
    if (record.kind === 'uncounted') {
      this.#uncounted = placed
      this.uncountedBefore = record.at
    } else this.#last.set(windowKey(record), placed)
    return (segment, ackSequence) => {
      if (this.#find(record) !== placed) return
      placed.ackSequence = ackSequence
      this.#place(placed, segment)
    }
  }

  /** Whether an opening needs this frame of the ack log. */
  needs(ackSequence: number, record: PlacesRecord | UncountedRecord): boolean {
    return this.#find(record)?.ackSequence === ackSequence
  }

  /** Compaction copied it to this segment. */
  moved(ackSequence: number, record: PlacesRecord | UncountedRecord, segment: number): void {
    const placed = this.#find(record)
    if (placed?.ackSequence === ackSequence) this.#place(placed, segment)
  }

  /** Forgets what no longer counts. */
  evict(now: number): void {
    if (now < this.#evictedAt + EVICT_EVERY_MS) return
    this.#evictedAt = now
    for (const [key, placed] of this.#last) {
      if (placed.until > now) continue
      this.#release(placed)
      this.#last.delete(key)
    }
    for (const [key, places] of this.#taken) {
      if (places.every(({ ends, perMs }) => lastOf(ends) + perMs <= now)) this.#taken.delete(key)
    }
  }

  #find(record: PlacesRecord | UncountedRecord): Placed | undefined {
    return record.kind === 'uncounted' ? this.#uncounted : this.#last.get(windowKey(record))
  }

  #place(placed: Placed, segment: number): void {
    this.#release(placed)
    placed.segment = segment
    this.#usage.keep(segment)
  }

  #release(placed: Placed): void {
    if (placed.segment !== undefined) this.#usage.release(placed.segment)
    placed.segment = undefined
  }
}

const none: readonly Pick<LimitUsage, 'perMs' | 'ends'>[] = []

function targetKey(scope: Scope, target: string): string {
  return `${scope} ${target}`
}

function lastOf(ends: readonly number[]): number {
  return ends.at(-2) ?? 0
}

function untilOf(record: PlacesRecord | UncountedRecord): number {
  if (record.kind === 'uncounted') return Number.POSITIVE_INFINITY
  const { at, open, ends, perMs } = record
  const until = lastOf(ends) + perMs + CLOCKS_MS
  return open === 0 ? until : Math.max(until, at + OPEN_LASTS_MS)
}
