import type { FoldedPause } from '../fold/pause-fold.js'
import type { PausedRecord, UnpausedRecord } from '../record/outcome.js'
import { KeptRecords } from './kept-records.js'

/** Durable pauses in force, by selector. */
export class DurablePauses extends KeptRecords<FoldedPause> {
  opened(pauses: Iterable<FoldedPause>): void {
    for (const pause of pauses) this.begins(pause.selector, pause)
  }

  /** The record was written to this segment. */
  written(record: PausedRecord | UnpausedRecord, segment: number, ackSequence: number): void {
    const { selector, at: since } = record
    if (record.kind === 'paused') this.begins(selector, { selector, since, segment, ackSequence })
    else this.ends(selector, segment)
  }

  /** The record was copied to this segment. */
  moved(record: PausedRecord | UnpausedRecord, ackSequence: number, segment: number): void {
    if (record.kind === 'unpaused') this.endCopied(segment)
    else if (this.needs(ackSequence, record.selector)) this.written(record, segment, ackSequence)
  }
}
