/**
 * Which messages each segment of the message log holds, settled ones included: an outcome is needed as long
 * as its message could come back with its segment (invariant 10). Kept as runs of sequences. A segment filled
 * in this life holds nearly every sequence from its first to its last and needs no runs; one that an opening
 * has read, or that was rewritten, has a run for each gap.
 */
import type { SegmentInfo } from '../../log/types.js'

/** Sequences in ascending runs. */
class Runs {
  readonly #first: number[] = []
  readonly #last: number[] = []
  /** Of the last run. */
  #end = -1
  #ascending = true

  add(sequence: number): void {
    if (sequence === this.#end + 1 && this.#end >= 0) this.#last[this.#last.length - 1] = sequence
    else {
      if (sequence <= this.#end) this.#ascending = false
      this.#first.push(sequence)
      this.#last.push(sequence)
    }
    this.#end = sequence
  }

  has(sequence: number): boolean {
    if (!this.#ascending)
      return this.#first.some((first, i) => first <= sequence && sequence <= this.#last[i]!)
    let low = 0
    let high = this.#first.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#last[middle]! < sequence) low = middle + 1
      else high = middle
    }
    return low < this.#first.length && this.#first[low]! <= sequence
  }
}

export class SegmentMembership {
  readonly #runs = new Map<number, Runs>()
  /** The segment last added to. */
  #latest = -1
  #latestRuns = new Runs()

  /** The segment holds this message. Once one is added, all messages of the segment must be. */
  add(segment: number, sequence: number): void {
    if (segment !== this.#latest) {
      this.#latest = segment
      this.#latestRuns = this.#runs.get(segment) ?? new Runs()
      this.#runs.set(segment, this.#latestRuns)
    }
    this.#latestRuns.add(sequence)
  }

  /** Whether any segment added here holds the message. Cheapest when asked in sequence order. */
  holds(sequence: number): boolean {
    if (this.#latestRuns.has(sequence)) return true
    for (const [segment, runs] of this.#runs) {
      if (runs === this.#latestRuns || !runs.has(sequence)) continue
      this.#latest = segment
      this.#latestRuns = runs
      return true
    }
    return false
  }

  forget(segments: readonly number[]): void {
    for (const segment of segments) this.#runs.delete(segment)
    this.#latest = -1
  }

  /**
   * Those of these segments that may hold the message: too many where that is not known exactly, never too
   * few.
   */
  holders(segments: readonly SegmentInfo[], sequence: number): number[] {
    const holders: number[] = []
    for (const { id, firstSequence, lastSequence, sealed } of segments) {
      // For a segment still being written the last sequence is a lower bound.
      if (sequence < firstSequence || (sealed && sequence > lastSequence)) continue
      if (this.#runs.get(id)?.has(sequence) ?? true) holders.push(id)
    }
    return holders
  }
}
