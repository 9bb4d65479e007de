/** How much of each segment is needed: what the plan of a compaction is made of. */
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../log/format.js'
import type { Log } from '../log/types.js'
import type { SegmentShare } from './compaction-plan.js'
import type { SegmentLedger } from './segment-ledger.js'

const none: ReadonlySet<number> = new Set()

/**
 * So many of the newest sealed ack segments are young at most. A limit, because outcomes of a message that is
 * retried for hours fill any number of ack segments while the message log stands still.
 */
const MOST_YOUNG_ACKS = 3

export interface ShareSources {
  readonly messages: Log
  readonly acks: Log
  readonly ledger: SegmentLedger
  readonly lowestMessageInFlight: () => number
  readonly lowestAckInFlight: () => number
  readonly now: () => number
}

/**
 * Which segments the traffic is about to set free by itself: the one that messages go to, and the one before
 * it until half as much was written behind it. Its last messages are being sent; copied now, they would be
 * settled before the copy counts, while the segment, which a rewrite keeps busy, could not be given up.
 */
function youngMessageSegments(messages: Log): ReadonlySet<number> {
  const segments = messages.segments()
  // Without a frame in it a segment is not among them: then the one before was left just now.
  const active = segments.findLast(({ sealed }) => !sealed)
  const previous = segments.findLast(({ sealed }) => sealed)
  const young = new Set<number>()
  if (active !== undefined) young.add(active.id)
  if (previous !== undefined && 2 * (active?.length ?? 0) < previous.length) young.add(previous.id)
  return young
}

/** `isDamaged`: it could not be read when it was to be rewritten. `sparesYoung`: young segments stay. */
export function messageShares(
  { messages, ledger, lowestMessageInFlight }: ShareSources,
  isDamaged: (id: number) => boolean,
  sparesYoung: boolean,
): SegmentShare[] {
  const segments = messages.segments()
  const young = sparesYoung ? youngMessageSegments(messages) : none
  const lowestInFlight = lowestMessageInFlight()
  const free = new Set(ledger.freeMessageSegments(segments, lowestInFlight))
  return segments.map(({ id, length, sealed, lastSequence }) => {
    const live = ledger.live(id)
    const movable = sealed && lastSequence < lowestInFlight && !isDamaged(id) && !young.has(id)
    return {
      id,
      bytes: length - SEGMENT_HEADER_BYTES,
      neededBytes: live.bytes + live.messages * FRAME_HEADER_BYTES,
      loose: false,
      state: free.has(id) ? 'free' : movable ? 'movable' : 'fixed',
    }
  })
}

/**
 * By count, as if all outcomes were of one size. Young: it holds outcomes of messages of a young segment; but
 * for one that is loose, for its ids stay when those messages are gone.
 */
export function outcomeShares(
  { messages, acks, ledger, lowestAckInFlight, now }: ShareSources,
  isDamaged: (id: number) => boolean,
  sparesYoung: boolean,
): SegmentShare[] {
  const segments = acks.segments()
  const youngMessages = sparesYoung ? youngMessageSegments(messages) : none
  const newest = segments.filter(({ sealed }) => sealed).slice(-MOST_YOUNG_ACKS)
  const young = new Set(newest.flatMap(({ id }) => (ledger.holdsOutcomesOf(id, youngMessages) ? [id] : [])))
  const lowestInFlight = lowestAckInFlight()
  const free = new Set(ledger.freeAckSegments(segments, lowestInFlight, now()))
  return segments.map(({ id, length, sealed, lastSequence }) => {
    const loose = ledger.isLoose(id)
    const movable =
      sealed &&
      lastSequence < lowestInFlight &&
      !ledger.hasCopies(id) &&
      !isDamaged(id) &&
      (loose || !young.has(id))
    const bytes = length - SEGMENT_HEADER_BYTES
    return {
      id,
      bytes,
      neededBytes: Math.ceil(ledger.neededShare(id, now()) * bytes),
      loose,
      state: free.has(id) ? 'free' : movable ? 'movable' : 'fixed',
    }
  })
}
