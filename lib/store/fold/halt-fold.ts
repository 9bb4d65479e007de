import type { OutcomeRecord } from '../record/outcome.js'
import { HoldFold } from './hold-fold.js'

export interface FoldedHalt {
  readonly channel: string
  /** Epoch ms. */
  readonly since: number
  /** The ack segment that records it. */
  readonly segment: number
  readonly ackSequence: number
}

/** Channels halted by a dead letter that no one has resumed since. */
export class HaltFold extends HoldFold<FoldedHalt> {
  add(ackSequence: number, segment: number, record: OutcomeRecord): void {
    if (record.kind === 'resumed') this.ends(record.channel, ackSequence)
    else if (record.kind === 'dead' && record.halts !== undefined)
      this.begins(record.halts, { channel: record.halts, since: record.at, segment, ackSequence })
  }
}
