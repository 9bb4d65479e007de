import type { OutcomeRecord } from '../record/outcome.js'
import { HoldFold } from './hold-fold.js'

export interface FoldedPause {
  /** A channel, a prefix with its `*`, or `*`. */
  readonly selector: string
  /** In the queue's time. */
  readonly since: number
  readonly segment: number
  readonly ackSequence: number
}

/** Durable pauses that no one has ended since, by selector. */
export class PauseFold extends HoldFold<FoldedPause> {
  add(ackSequence: number, segment: number, record: OutcomeRecord): void {
    if (record.kind === 'unpaused') this.ends(record.selector, ackSequence)
    else if (record.kind === 'paused')
      this.begins(record.selector, {
        selector: record.selector,
        since: record.at,
        segment,
        ackSequence,
      })
  }
}
