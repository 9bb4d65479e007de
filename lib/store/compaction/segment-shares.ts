/** How much of each segment is needed: the input of a compaction plan. */
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../../log/format/format.js'
import type { Log } from '../../log/types.js'
import type { SegmentUsage } from '../usage/segment-usage.js'
import type { SegmentShare } from './compaction-plan.js'

const none: ReadonlySet<number> = new Set()

/**
 * At most this many of the newest sealed ack segments count as recently sealed. A limit, because outcomes of
 * a message that is retried for hours fill any number of ack segments while the message log stands still.
 */
const MAX_RECENT_ACKS = 3

export interface ShareSources {
  readonly messages: Log
  readonly acks: Log
  readonly usage: SegmentUsage
  readonly lowestMessageInFlight: () => number
  readonly lowestAckInFlight: () => number
  readonly now: () => number
}

/**
 * Segments that the traffic is about to free by itself: the active one, and until half its size was written
 * after it, the one before. Its last messages are being sent: copied now, they would be settled before the
 * copy counts, and meanwhile the segment could not be dropped.
 */
function recentMessageSegments(messages: Log): ReadonlySet<number> {
  const segments = messages.segments()
  // A segment without a frame is not listed: the one before was left just now.
  const active = segments.findLast(({ sealed }) => !sealed)
  const previous = segments.findLast(({ sealed }) => sealed)
  const recentlySealed = new Set<number>()
  if (active !== undefined) recentlySealed.add(active.id)
  if (previous !== undefined && 2 * (active?.length ?? 0) < previous.length) recentlySealed.add(previous.id)
  return recentlySealed
}

/** `isDamaged`: reading it for a rewrite failed. `sparesRecent`: recently sealed segments stay. */
export function messageShares(
  { messages, usage, lowestMessageInFlight }: ShareSources,
  isDamaged: (id: number) => boolean,
  sparesRecent: boolean,
): SegmentShare[] {
  const segments = messages.segments()
  const recentlySealed = sparesRecent ? recentMessageSegments(messages) : none
  const lowestInFlight = lowestMessageInFlight()
  const free = new Set(usage.freeMessageSegments(segments, lowestInFlight))
  return segments.map(({ id, length, sealed, lastSequence }) => {
    const live = usage.live(id)
    const movable = sealed && lastSequence < lowestInFlight && !isDamaged(id) && !recentlySealed.has(id)
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
 * By count, as if all outcomes were of one size. Recently sealed: it holds outcomes of messages in a recently
 * sealed segment. Not so a loose one: its ids stay when those messages are gone.
 */
export function outcomeShares(
  { messages, acks, usage, lowestAckInFlight, now }: ShareSources,
  isDamaged: (id: number) => boolean,
  sparesRecent: boolean,
): SegmentShare[] {
  const segments = acks.segments()
  const recentMessages = sparesRecent ? recentMessageSegments(messages) : none
  const newest = segments.filter(({ sealed }) => sealed).slice(-MAX_RECENT_ACKS)
  const recentlySealed = new Set(
    newest.flatMap(({ id }) => (usage.holdsOutcomesOf(id, recentMessages) ? [id] : [])),
  )
  const lowestInFlight = lowestAckInFlight()
  const free = new Set(usage.freeAckSegments(segments, lowestInFlight, now()))
  return segments.map(({ id, length, sealed, lastSequence }) => {
    const loose = usage.isLoose(id)
    const movable =
      sealed &&
      lastSequence < lowestInFlight &&
      !usage.hasCopies(id) &&
      !isDamaged(id) &&
      (loose || !recentlySealed.has(id))
    const bytes = length - SEGMENT_HEADER_BYTES
    return {
      id,
      bytes,
      neededBytes: Math.ceil(usage.neededShare(id, now()) * bytes),
      loose,
      state: free.has(id) ? 'free' : movable ? 'movable' : 'fixed',
    }
  })
}
