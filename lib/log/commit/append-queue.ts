import type { Append } from './append.js'
import type { FailurePolicy } from './failure-policy.js'

/** Appends that wait for the next flush, by sequence. */
export class AppendQueue {
  #waiting: Append[] = []
  /** How many of them were withdrawn. They are removed later, together: removing each moves all behind it. */
  #withdrawn = 0

  get size(): number {
    return this.#waiting.length - this.#withdrawn
  }

  push(append: Append): void {
    this.#waiting.push(append)
  }

  /** Takes back appends that could not be written or whose segment failed, each to its place by sequence. */
  putBack(appends: readonly Append[]): void {
    if (appends.length === 0) return
    this.#dropWithdrawn()
    // Not always to the front: while these were written, a failed background sync may have put back earlier
    // ones.
    this.#waiting = [...appends, ...this.#waiting].sort((a, b) => a.firstSequence - b.firstSequence)
  }

  /** Whether something waits that has to be written before `append`. */
  precedes(append: Append): boolean {
    this.#dropWithdrawn()
    const [first] = this.#waiting
    return first !== undefined && first.firstSequence < append.firstSequence
  }

  /** Whether an accepted append waits to be written again. */
  get holdsAccepted(): boolean {
    return this.#waiting.some(append => append.state === 'accepted')
  }

  /** The next batch: all that waits, up to `maxBytes`; the first append is taken however large. */
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

  /** False: it is not waiting, or bytes of it may have been written. */
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
