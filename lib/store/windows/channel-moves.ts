/**
 * The records of channels that have another name now (`moved`).
 *
 * 1. A message's record keeps the name that it was enqueued with; the present name is looked up. So a move is
 *    one record, whatever waits, and both channels merge by order key after any crash: by either name of the
 *    channel the order keys are those of the enqueues.
 * 2. All records of a move stand in one atomic list, one for each name that leads to the channel: a→b, then
 *    b→c, leaves a→c and b→c. A move back leaves a→a, which only ends a→b.
 * 3. The list is on the device before the first attempt that was begun after it (`LogStore.mustSyncMark`). So
 *    no later life sends to the old name what this one sent to the new one, and no power loss leaves an
 *    outcome of the new name with the old order.
 * 4. A record is kept while a live message bears the former name, as long as ids are remembered, and while a
 *    halt or a durable pause by that name is in force. Then a record a→a ends it. If a power loss takes that,
 *    the name leads to its channel for a while longer.
 */
import type { FoldedMove } from '../fold/move-fold.js'
import type { MovedRecord } from '../record/outcome.js'
import { KeptRecords } from './kept-records.js'

export class ChannelMoves extends KeptRecords<FoldedMove> {
  opened(moves: Iterable<FoldedMove>): void {
    for (const move of moves) this.begins(move.from, move)
  }

  /** The record was written to this segment. */
  written({ from, to, at }: MovedRecord, segment: number, ackSequence: number): void {
    if (from === to) this.ends(from, segment)
    else this.begins(from, { from, to, at, segment, ackSequence })
  }

  /** The record was copied to this segment. */
  moved(record: MovedRecord, ackSequence: number, segment: number): void {
    if (record.from === record.to) this.endCopied(segment)
    else if (this.needs(ackSequence, record.from)) this.written(record, segment, ackSequence)
  }
}
