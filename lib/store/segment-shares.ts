/** How much of each segment is needed: what the plan of a compaction is made of. */
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../log/format.js'
import type { Log } from '../log/types.js'
import type { SegmentShare } from './compaction-plan.js'
import type { SegmentLedger } from './segment-ledger.js'

export interface ShareSources {
  readonly messages: Log
  readonly acks: Log
  readonly ledger: SegmentLedger
  readonly lowestMessageInFlight: () => number
  readonly lowestAckInFlight: () => number
  readonly now: () => number
}

/** `isDamaged`: it could not be read when it was to be rewritten. */
export function messageShares(
  { messages, ledger, lowestMessageInFlight }: ShareSources,
  isDamaged: (id: number) => boolean,
): SegmentShare[] {
  const segments = messages.segments()
  const lowestInFlight = lowestMessageInFlight()
  const free = new Set(ledger.freeMessageSegments(segments, lowestInFlight))
  return segments.map(({ id, length, sealed, lastSequence }) => {
    const live = ledger.live(id)
    const movable = sealed && lastSequence < lowestInFlight && !isDamaged(id)
    return {
      id,
      bytes: length - SEGMENT_HEADER_BYTES,
      neededBytes: live.bytes + live.messages * FRAME_HEADER_BYTES,
      state: free.has(id) ? 'free' : movable ? 'movable' : 'fixed',
    }
  })
}

/** By count, as if all outcomes were of one size. */
export function outcomeShares(
  { acks, ledger, lowestAckInFlight, now }: ShareSources,
  isDamaged: (id: number) => boolean,
): SegmentShare[] {
  const segments = acks.segments()
  const lowestInFlight = lowestAckInFlight()
  const free = new Set(ledger.freeAckSegments(segments, lowestInFlight, now()))
  return segments.map(({ id, length, sealed, lastSequence }) => {
    const movable = sealed && lastSequence < lowestInFlight && !ledger.hasCopies(id) && !isDamaged(id)
    const bytes = length - SEGMENT_HEADER_BYTES
    return {
      id,
      bytes,
      neededBytes: Math.ceil(ledger.neededShare(id, now()) * bytes),
      state: free.has(id) ? 'free' : movable ? 'movable' : 'fixed',
    }
  })
}
