/**
 * Rewrites a run of message segments: copies live messages and leaves settled ones behind.
 *
 * Why no crash loses or resurrects anything:
 *  - A frame is left behind only when its message is not in the index: its settling outcome is in the ack
 *    log. That is synced after the last frame was judged and before the manifest that lists the copies
 *    instead of the originals (`beforeItCounts`, invariant 10). Before that manifest the originals count,
 *    outcomes and all; after it the settled message is gone, with or without its outcome.
 *  - A message that is settled after its frame was judged is copied although nothing needs it. Its outcome
 *    then stays as long as the copy's segment: `SettlementWatch` tells which ack segment that concerns.
 *  - In the relaxed durabilities an accepted frame may still have to be written again, after its segment
 *    failed. The log is synced first: from then on no frame of these segments will be.
 *  - A message's original stays readable until its move is told, so reads and settlements go on meanwhile.
 *  - These segments are not given up while this goes on; and none at all is until every move is told,
 *    because live messages in a copy are accounted for only then.
 *  - A frame that was refused (its enqueue failed, indeterminate) may be in a segment but not in the index.
 *    It is left behind: its caller was told that it may come back, not that it will.
 */
import type { Log } from '../../log/types.js'
import type { MessageIndex } from '../index/message-index.js'
import type { SegmentMembership } from '../usage/segment-membership.js'
import type { SegmentUsage } from '../usage/segment-usage.js'
import type { SettlementWatch } from '../usage/settlement-watch.js'

export interface MessageRewriteParts {
  readonly messages: Log
  readonly acks: Log
  readonly index: MessageIndex
  readonly usage: SegmentUsage
  readonly membership: SegmentMembership
  readonly watch: SettlementWatch
}

/** How a rewrite shares the event loop with everything else. */
export interface RewriteManner {
  readonly signal: AbortSignal
  readonly turn?: () => Promise<void>
  /** After each original, with its length in bytes. */
  readonly onProgress: (bytes: number) => void
  /** Everything was judged; from now on the copies may count. */
  readonly countsNext?: () => void
}

export async function rewriteMessages(
  parts: MessageRewriteParts,
  segments: readonly number[],
  manner: RewriteManner,
): Promise<void> {
  const { messages, acks, index, usage, membership, watch } = parts
  const { table } = index
  await messages.sync()
  watch.begin(segments)
  try {
    await messages.rewrite(segments, {
      ...manner,
      keep: ({ sequence }) => index.bySequence(sequence) !== undefined,
      beforeItCounts() {
        manner.countsNext?.()
        return acks.sync()
      },
      moved(sequence, from, to) {
        membership.add(to.segment, sequence)
        const ref = index.bySequence(sequence)
        if (ref === undefined) {
          const ackSegment = watch.settledIn(sequence)
          if (ackSegment !== undefined) usage.outcomeInherited(ackSegment, to.segment)
        } else if (table.segment(ref) === from.segment) {
          usage.messageMoved(from.segment, to.segment, {
            bytes: table.bytes(ref),
            ackSegment: table.ackSegment(ref),
          })
          table.move(ref, to.segment, to.offset)
        }
      },
    })
    usage.messageSegmentsGone(segments)
    membership.forget(segments)
  } finally {
    watch.end()
  }
}
