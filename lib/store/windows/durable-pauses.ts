import type { FoldedPause } from '../fold/pause-fold.js'
import type { PausedRecord, UnpausedRecord } from '../record/outcome.js'
import type { SegmentUsage } from '../usage/segment-usage.js'

/** Durable pauses in force, each with the ack segment of its record, which stays as long. */
export class DurablePauses {
  readonly #bySelector = new Map<string, FoldedPause>()
  readonly #usage: SegmentUsage

  constructor(usage: SegmentUsage) {
    this.#usage = usage
  }

  opened(pauses: Iterable<FoldedPause>): void {
    for (const pause of pauses) this.#began(pause)
  }

  inForce(): FoldedPause[] {
    return [...this.#bySelector.values()]
  }

  /** The record was written to this segment. */
  written(record: PausedRecord | UnpausedRecord, segment: number, ackSequence: number): void {
    const { selector, at: since } = record
    this.#ended(selector)
    if (record.kind === 'paused') this.#began({ selector, since, segment, ackSequence })
    // As for a halt: an end undoes older records, so it goes when every older ack segment does.
    else this.#usage.resumeAdded(segment)
  }

  /** Whether this is the record of a pause in force. */
  needs(ackSequence: number, selector: string): boolean {
    return this.#bySelector.get(selector)?.ackSequence === ackSequence
  }

  /** The record was copied to this segment. */
  moved(record: PausedRecord | UnpausedRecord, ackSequence: number, segment: number): void {
    if (record.kind === 'unpaused') this.#usage.resumeAdded(segment)
    else if (this.needs(ackSequence, record.selector)) this.written(record, segment, ackSequence)
  }

  #began(pause: FoldedPause): void {
    this.#bySelector.set(pause.selector, pause)
    this.#usage.keep(pause.segment)
  }

  #ended(selector: string): void {
    const known = this.#bySelector.get(selector)
    if (known === undefined) return
    this.#bySelector.delete(selector)
    this.#usage.release(known.segment)
  }
}
