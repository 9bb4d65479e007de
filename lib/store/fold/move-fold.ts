import type { OutcomeRecord } from '../record/outcome.js'
import { HoldFold } from './hold-fold.js'

/** A channel that has another name now. */
export interface FoldedMove {
  readonly from: string
  readonly to: string
  /** In the queue's time. */
  readonly at: number
  readonly segment: number
  readonly ackSequence: number
}

/**
 * The channels that have another name, by the name that their messages were enqueued with. A chain of moves
 * is one step for each of its names, since every name gets a record of its own: so the last record of a name
 * tells all, whatever was lost or dropped of the others.
 */
export class MoveFold extends HoldFold<FoldedMove> {
  add(ackSequence: number, segment: number, record: OutcomeRecord): void {
    if (record.kind !== 'moved') return
    const { from, to, at } = record
    if (from === to) this.ends(from, ackSequence)
    else this.begins(from, { from, to, at, segment, ackSequence })
  }

  /** By former name, the present one. */
  names(): ReadonlyMap<string, string> {
    return new Map([...this.inForce()].map(({ from, to }) => [from, to]))
  }
}
