import { FRAME_HEADER_BYTES } from './format.js'
import type { Segment } from './segment.js'
import type { AppendListener } from './types.js'

/** One call of `append` on its way to the disk: a record, or an atomic list. */
export class Append {
  readonly type: number
  readonly records: readonly Uint8Array[]
  readonly firstSequence: number
  readonly listener: AppendListener
  /** On disk, frame headers included. */
  readonly bytes: number
  /** Where it was written last. */
  segment: Segment | undefined
  offset = 0
  /** Its listener was told that it is in the log. From here on it is never refused, only written again. */
  accepted = false
  /** Bytes of it may be in a file: a refusal is indeterminate (invariant 5). */
  touched = false
  /** Its caller took it back while it waited: nothing is written of it. */
  withdrawn = false

  constructor(type: number, records: readonly Uint8Array[], firstSequence: number, listener: AppendListener) {
    this.type = type
    this.records = records
    this.firstSequence = firstSequence
    this.listener = listener
    let bytes = 0
    for (const record of records) bytes += FRAME_HEADER_BYTES + record.length
    this.bytes = bytes
  }

  get lastSequence(): number {
    return this.firstSequence + this.records.length - 1
  }

  /** On the device, where it was written last. */
  get synced(): boolean {
    return this.segment !== undefined && this.segment.synced >= this.offset + this.bytes
  }
}

/** What waits for the next flush, by sequence. */
export class AppendQueue {
  #waiting: Append[] = []
  /**
   * So many of them were withdrawn, and are passed over: taking each out would move all that come behind it.
   */
  #withdrawn = 0

  get size(): number {
    return this.#waiting.length - this.#withdrawn
  }

  push(append: Append): void {
    this.#waiting.push(append)
  }

  /** Takes back what could not be written, or was written to a segment that failed: each to where its sequence says. */
  putBack(appends: readonly Append[]): void {
    if (appends.length === 0) return
    // Not always to the front: a background sync may have failed, and put back earlier ones, while these were on their way.
    this.#waiting = [...appends, ...this.#remaining()].sort((a, b) => a.firstSequence - b.firstSequence)
  }

  /** Whether something waits that has to be written before `append`. */
  precedes(append: Append): boolean {
    const [first] = this.#remaining()
    return first !== undefined && first.firstSequence < append.firstSequence
  }

  /** Whether something waits that was accepted before, so that it has to be written again. */
  get holdsAccepted(): boolean {
    return this.#waiting.some(append => append.accepted)
  }

  /** The next batch: all that waits, up to `maxBytes`; one append is taken whole however large. */
  take(maxBytes: number): Append[] {
    const waiting = this.#remaining()
    let bytes = 0
    let count = 0
    while (count < waiting.length) {
      bytes += waiting[count]!.bytes
      if (count > 0 && bytes > maxBytes) break
      count += 1
    }
    if (count === waiting.length) {
      this.#waiting = []
      return waiting
    }
    return waiting.splice(0, count)
  }

  /** Takes out all that may still be refused. */
  takeRefusable(): Append[] {
    const waiting = this.#remaining()
    this.#waiting = waiting.filter(append => append.accepted)
    return waiting.filter(append => !append.accepted)
  }

  /** False: it is not waiting (any more), or bytes of it were written before. */
  withdraw(firstSequence: number): boolean {
    const found = this.#find(firstSequence)
    if (found === undefined || found.touched || found.withdrawn) return false
    found.withdrawn = true
    this.#withdrawn += 1
    return true
  }

  #find(firstSequence: number): Append | undefined {
    let low = 0
    let high = this.#waiting.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#waiting[middle]!.firstSequence < firstSequence) low = middle + 1
      else high = middle
    }
    const found = this.#waiting[low]
    return found?.firstSequence === firstSequence ? found : undefined
  }

  /** Without those that were withdrawn. */
  #remaining(): Append[] {
    if (this.#withdrawn > 0) {
      this.#waiting = this.#waiting.filter(append => !append.withdrawn)
      this.#withdrawn = 0
    }
    return this.#waiting
  }
}
