import type { FoldedPause } from '../fold/pause-fold.js'
import type { PausedRecord, UnpausedRecord } from '../record/outcome.js'
import type { SegmentUsage } from '../usage/segment-usage.js'

/** Durable pauses in force, each with the ack segment of its record, which stays as long. */
export class DurablePauses {
  readonly #bySelector = new Map<string, { segment: number; readonly ackSequence: number }>()
  readonly #usage: SegmentUsage

  constructor(usage: SegmentUsage) {
    this.#usage = usage
  }

  opened(pauses: Iterable<FoldedPause>): void {
    for (const { selector, segment, ackSequence } of pauses) this.#began(selector, segment, ackSequence)
  }

  selectors(): string[] {
    return [...this.#bySelector.keys()]
  }

  /** The record was written to this segment. */
  written({ kind, selector }: PausedRecord | UnpausedRecord, segment: number, ackSequence: number): void {
    this.#ended(selector)
    if (kind === 'paused') this.#began(selector, segment, ackSequence)
    // As for a halt: an end undoes older records, so it goes when every older ack segment does.
    else this.#usage.resumeAdded(segment)
  }

  /** Whether this is the record of a pause in force. */
  needs(ackSequence: number, selector: string): boolean {
    return this.#bySelector.get(selector)?.ackSequence === ackSequence
  }

  /** The record was copied to this segment. */
  moved({ kind, selector }: PausedRecord | UnpausedRecord, ackSequence: number, segment: number): void {
    if (kind === 'unpaused') this.#usage.resumeAdded(segment)
    else if (this.needs(ackSequence, selector))
      this.written({ kind, selector } as PausedRecord, segment, ackSequence)
  }

  #began(selector: string, segment: number, ackSequence: number): void {
    this.#bySelector.set(selector, { segment, ackSequence })
    this.#usage.keep(segment)
  }

  #ended(selector: string): void {
    const known = this.#bySelector.get(selector)
    if (known === undefined) return
    this.#bySelector.delete(selector)
    this.#usage.release(known.segment)
  }
}
