import type { Append } from './append.js'
import type { FailurePolicy } from './failure-policy.js'

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

  /**
   * Takes back what could not be written, or was written to a segment that failed: each to where its sequence
   * says.
   */
  putBack(appends: readonly Append[]): void {
    if (appends.length === 0) return
    this.#dropWithdrawn()
    // Not always to the front: a background sync may have failed, and put back earlier ones, while these were
    // on their way.
    this.#waiting = [...appends, ...this.#waiting].sort((a, b) => a.firstSequence - b.firstSequence)
  }

  /** Whether something waits that has to be written before `append`. */
  precedes(append: Append): boolean {
    this.#dropWithdrawn()
    const [first] = this.#waiting
    return first !== undefined && first.firstSequence < append.firstSequence
  }

  /** Whether something waits that was accepted before, so that it has to be written again. */
  get holdsAccepted(): boolean {
    return this.#waiting.some(append => append.state === 'accepted')
  }

  /** The next batch: all that waits, up to `maxBytes`; one append is taken whole however large. */
  take(maxBytes: number): Append[] {
    if (this.#withdrawn > 0) this.#dropWithdrawn()
    const waiting = this.#waiting
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

  get holdsRefusable(): boolean {
    return this.#waiting.some(append => append.state === 'waiting' || append.state === 'touched')
  }

  takeRefusable(policy: FailurePolicy): Append[] {
    this.#dropWithdrawn()
    const refusable = policy.refusable(this.#waiting)
    if (refusable.length > 0) this.#waiting = this.#waiting.filter(append => append.state === 'accepted')
    return refusable
  }

  /** False: it is not waiting (any more), or bytes of it were written before. */
  withdraw(append: Append): boolean {
    if (append.state !== 'waiting' || !this.#holds(append)) return false
    append.state = 'withdrawn'
    this.#withdrawn += 1
    return true
  }

  #holds(append: Append): boolean {
    let low = 0
    let high = this.#waiting.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#waiting[middle]!.firstSequence < append.firstSequence) low = middle + 1
      else high = middle
    }
    return this.#waiting[low] === append
  }

  #dropWithdrawn(): void {
    if (this.#withdrawn === 0) return
    this.#waiting = this.#waiting.filter(append => append.state !== 'withdrawn')
    this.#withdrawn = 0
  }
}
