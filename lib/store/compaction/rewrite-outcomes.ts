/** Rewrites a run of ack segments; `needed-outcomes.ts` says what stays, and why that is safe. */
import type { Log } from '../../log/types.js'
import { NeededOutcomes, type OutcomeSources } from './needed-outcomes.js'
import type { RewriteManner } from './rewrite-messages.js'

export interface OutcomeRewriteParts extends OutcomeSources {
  readonly messages: Log
  readonly acks: Log
}

export async function rewriteOutcomes(
  parts: OutcomeRewriteParts,
  segments: readonly number[],
  manner: RewriteManner,
): Promise<void> {
  const { messages, acks, usage, now } = parts
  // No accepted message waits to be written again: each is in a segment that is asked for it.
  await messages.sync()
  const isOldest = acks.segments()[0]?.id === segments[0]
  const needed = new NeededOutcomes(parts, () => messages.segments(), isOldest)
  await acks.rewrite(segments, {
    ...manner,
    keep: (frame, put) => needed.keep(frame, put),
    putRest: put => needed.putRest(put),
    beforeItCounts() {
      needed.judged()
      manner.countsNext?.()
      return acks.sync()
    },
    moved: (sequence, _from, to) => needed.written(sequence, to.segment, to.offset),
    placed: (sequence, segment, offset) => needed.written(sequence, segment, offset),
  })
  for (const segment of needed.made) usage.ackSegmentRewritten(segment, now())
  usage.ackSegmentsGone(segments)
}
