/**
 * Tells which segments are no longer needed.
 *
 * A message segment is free when it holds no live message. It is retired after the acks were synced: from
 * then on its settled messages are gone for good, with or without their outcomes (invariant 10).
 *
 * An ack segment is free when the fold would be the same without it:
 *   1. A message's state depends on its last outcome only, and only while its message segment counts. So each
 *      ack segment counts, by message segment, the messages whose last written outcome it holds. Earlier
 *      outcomes of these messages count nowhere: whatever is dropped, the last one stays as long as it could
 *      matter. A message segment that is gone (by a durable manifest, never before) is struck from every ack
 *      segment.
 *   2. The dedupe window: each ack segment counts the ids that it keeps. A result is in the segment of its
 *      id's outcome and goes with the id, so it keeps no segment by itself; the bytes of remembered results
 *      count for the needed share.
 *   3. Windows of attempts and markings of channels (`attempt-window.ts`), windows of limits
 *      (`taken-places.ts`), durable pauses, and how the clocks last parted: a count of those in force.
 *   4. Halts: a count of the channels halted by a dead letter of the segment. A resume only undoes older
 *      halts, so it can go once every older ack segment goes too.
 *   5. Limits told by a receiver, and records that end them: until the latest of them is over.
 *   6. Lost bytes of the ack log: the frame that bounds what they can have named stays (`pin`).
 *   7. Channels with another name (`channel-moves.ts`): a count of those in force. A record that ends one
 *      goes as a resume does. Deaths with a channel, which share one frame, each count as in 1.
 *   8. Frames that were written again after a failed sync are accounted for in their first segment, so the
 *      segment with the second copy stays as long as the first is needed. The first may itself be gone: if
 *      nothing in it had been synced, no manifest lists it any longer.
 * All counts only err on the side of keeping: they are raised when a frame is accepted and lowered when a
 * later one is, or when a manifest is durable. They need no order among the segments, as the fold has none.
 */
import { FRAME_HEADER_BYTES } from '../../log/format/format.js'
import type { SegmentInfo } from '../../log/types.js'

interface AckAccount {
  /** Outcomes in it that settled a message, needed or not, and their record bytes. */
  settling: number
  settlingBytes: number
  /** Those of them that are alone in their blocks. */
  settlingAlone: number
  /** All the others. */
  others: number
  othersBytes: number
  /** All bytes of its frames. */
  frameBytes: number
  /**
   * For a segment made of the needed outcomes of others: the bytes that counted as needed then are its full
   * size.
   */
  madeBytes: number | undefined
  /** Message segment → messages in it whose last written outcome is here. */
  readonly outcomes: Map<number, number>
  settledIds: number
  /** Of `outcomes`, those that share the frame of a closed channel; some may have later outcomes. */
  sharedDeaths: number
  /** Bytes of frames of results that are kept. */
  resultBytes: number
  halts: number
  /** Frames in it that an opening needs for attempts, limits, pauses or clocks. */
  kept: number
  holdsResume: boolean
  pinned: boolean
  /** Epoch ms. */
  limitsUntil: number
  readonly copiedFrom: Set<number>
}

interface OtherSegments {
  /** The older segments that stay. */
  readonly kept: ReadonlySet<number>
  /** All segments of the log. */
  readonly listed: ReadonlySet<number>
}

export class SegmentUsage {
  /** Message segment → its live messages. */
  readonly #live = new Map<number, { messages: number; bytes: number }>()
  /** Message segment → segments to which its messages were written again. */
  readonly #relocatedTo = new Map<number, Set<number>>()
  readonly #acks = new Map<number, AckAccount>()
  #liveBytes = 0

  get liveBytes(): number {
    return this.#liveBytes
  }

  /** The live messages of a segment, and their records' bytes. */
  live(segment: number): { readonly messages: number; readonly bytes: number } {
    return this.#live.get(segment) ?? nothing
  }

  messageAdded(segment: number, bytes: number): void {
    let live = this.#live.get(segment)
    if (live === undefined) {
      live = { messages: 0, bytes: 0 }
      this.#live.set(segment, live)
    }
    live.messages += 1
    live.bytes += bytes
    this.#liveBytes += bytes
  }

  /** Returns true if it was the last live message of the segment. */
  messageSettled(segment: number, bytes: number): boolean {
    const live = this.#live.get(segment)!
    live.messages -= 1
    live.bytes -= bytes
    this.#liveBytes -= bytes
    if (live.messages > 0) return false
    this.#live.delete(segment)
    return true
  }

  /** A message was copied to another segment. `bytes`, `ackSegment`: if it is still live. */
  messageMoved(
    from: number,
    to: number,
    live: { readonly bytes: number; readonly ackSegment: number | undefined } | undefined,
  ): void {
    if (live !== undefined) {
      this.messageSettled(from, live.bytes)
      this.messageAdded(to, live.bytes)
      if (live.ackSegment !== undefined) {
        const { outcomes } = this.#account(live.ackSegment)
        lower(outcomes, from)
        raise(outcomes, to, 1)
      }
      return
    }
    const copies = this.#relocatedTo.get(from)
    if (copies === undefined) this.#relocatedTo.set(from, new Set([to]))
    else copies.add(to)
  }

  /** An outcome was written to the ack segment `current`; the message's last one was in `previous`. */
  outcomeWritten(messageSegment: number, previous: number | undefined, current: number): void {
    if (previous === current) return
    if (previous !== undefined) lower(this.#account(previous).outcomes, messageSegment)
    raise(this.#account(current).outcomes, messageSegment, 1)
  }

  /** An outcome that settles nothing was written to this segment, or read there by the opening. */
  frameAdded(ackSegment: number, bytes: number): void {
    const account = this.#account(ackSegment)
    account.frameBytes += FRAME_HEADER_BYTES + bytes
    account.others += 1
    account.othersBytes += bytes
  }

  /** As `frameAdded`, for a block of this many settling outcomes. */
  blockAdded(ackSegment: number, outcomes: number, bytes: number): void {
    const account = this.#account(ackSegment)
    account.frameBytes += FRAME_HEADER_BYTES + bytes
    account.settling += outcomes
    account.settlingBytes += bytes
    if (outcomes === 1) account.settlingAlone += 1
  }

  /**
   * A message was settled by an outcome in `ackSegment` while its segment was being rewritten, and was copied
   * to `messageSegment`: the outcome is needed as long as that segment counts.
   */
  outcomeInherited(ackSegment: number, messageSegment: number): void {
    raise(this.#account(ackSegment).outcomes, messageSegment, 1)
  }

  /** This segment is kept whole. */
  pin(ackSegment: number): void {
    this.#account(ackSegment).pinned = true
  }

  /**
   * The needed share of an ack segment, at least. (An outcome may be needed twice: for its message's segment
   * and for the dedupe window. So a segment just rewritten counts as fully needed.)
   */
  neededShare(ackSegment: number, now: number): number {
    const account = this.#acks.get(ackSegment)
    if (account === undefined) return 0
    const allBytes = account.madeBytes ?? account.frameBytes
    return allBytes === 0 ? 0 : Math.min(1, neededBytes(account, now) / allBytes)
  }

  /**
   * Whether it holds remembered ids in single outcomes, two frames per message. A rewrite merges these into
   * larger blocks, which are read several times as fast and take half the space.
   */
  isLoose(ackSegment: number): boolean {
    const account = this.#acks.get(ackSegment)
    if (account === undefined) return false
    const { settling, settlingAlone, settledIds, madeBytes } = account
    // Outcomes that a rewrite left single stay so: their sequences do not increase, or a bound lies between
    // them.
    if (madeBytes !== undefined) return false
    return 2 * settlingAlone > settling && 2 * settledIds >= settling
  }

  /** Outcomes in it that settled a message and are alone in their blocks. */
  settlingAlone(ackSegment: number): number {
    return this.#acks.get(ackSegment)?.settlingAlone ?? 0
  }

  /** Whether it holds the last written outcome of a message of one of these segments. */
  holdsOutcomesOf(ackSegment: number, messageSegments: ReadonlySet<number>): boolean {
    const outcomes = this.#acks.get(ackSegment)?.outcomes
    if (outcomes === undefined) return false
    for (const segment of messageSegments) if (outcomes.has(segment)) return true
    return false
  }

  /** Whether second copies of outcomes make it and another segment depend on each other. */
  hasCopies(ackSegment: number): boolean {
    if ((this.#acks.get(ackSegment)?.copiedFrom.size ?? 0) > 0) return true
    for (const { copiedFrom } of this.#acks.values()) if (copiedFrom.has(ackSegment)) return true
    return false
  }

  /** This ack segment holds the needed outcomes of rewritten ones. */
  ackSegmentRewritten(ackSegment: number, now: number): void {
    const account = this.#account(ackSegment)
    account.madeBytes = neededBytes(account, now)
  }

  outcomeCopied(from: number, to: number): void {
    const account = this.#account(to)
    account.copiedFrom.add(from)
    if (this.#account(from).holdsResume) account.holdsResume = true
  }

  /** One frame of this segment is the last outcome of this many messages. */
  deathsShared(ackSegment: number, messages: number): void {
    this.#account(ackSegment).sharedDeaths += messages
  }

  settledIdAdded(ackSegment: number, ids = 1): void {
    this.#account(ackSegment).settledIds += ids
  }

  settledIdForgotten(ackSegment: number): void {
    this.#account(ackSegment).settledIds -= 1
  }

  /** A result was written to this segment, or read there by the opening, kept or not. */
  resultFrameAdded(ackSegment: number, bytes: number): void {
    this.#account(ackSegment).frameBytes += FRAME_HEADER_BYTES + bytes
  }

  /** A result of this segment is kept. */
  resultAdded(ackSegment: number, bytes: number): void {
    this.#account(ackSegment).resultBytes += FRAME_HEADER_BYTES + bytes
  }

  resultForgotten(ackSegment: number, bytes: number): void {
    this.#account(ackSegment).resultBytes -= FRAME_HEADER_BYTES + bytes
  }

  /** The outcome of a remembered message, and its result if it has one, are now kept by this segment. */
  settledMoved(left: { readonly segment: number; readonly resultBytes: number }, ackSegment: number): void {
    this.settledIdForgotten(left.segment)
    this.settledIdAdded(ackSegment)
    if (left.resultBytes === 0) return
    this.resultForgotten(left.segment, left.resultBytes)
    this.resultAdded(ackSegment, left.resultBytes)
  }

  /** It holds a frame that an opening needs. */
  keep(ackSegment: number): void {
    this.#account(ackSegment).kept += 1
  }

  release(ackSegment: number): void {
    this.#account(ackSegment).kept -= 1
  }

  haltAdded(ackSegment: number): void {
    this.#account(ackSegment).halts += 1
  }

  haltEnded(ackSegment: number): void {
    this.#account(ackSegment).halts -= 1
  }

  resumeAdded(ackSegment: number): void {
    this.#account(ackSegment).holdsResume = true
  }

  limitAdded(ackSegment: number, until: number): void {
    const account = this.#account(ackSegment)
    account.limitsUntil = Math.max(account.limitsUntil, until)
  }

  /**
   * Sealed message segments without a live message, below the ones still being written. `busy`: segments that
   * stay anyway.
   */
  freeMessageSegments(
    segments: readonly SegmentInfo[],
    lowestInFlight: number,
    busy: ReadonlySet<number> = none,
  ): number[] {
    return segments
      .filter(({ id, sealed, lastSequence }) => sealed && lastSequence < lowestInFlight && !busy.has(id))
      .filter(({ id }) => !this.#live.has(id))
      .map(({ id }) => id)
  }

  /**
   * Sealed ack segments that the fold does not need, below the ones still being written. `segments`: oldest
   * first. `busy`: segments that stay anyway.
   */
  freeAckSegments(
    segments: readonly SegmentInfo[],
    lowestInFlight: number,
    now: number,
    busy: ReadonlySet<number> = none,
  ): number[] {
    const listed = new Set(segments.map(({ id }) => id))
    const kept = new Set<number>()
    const free: number[] = []
    for (const info of segments) {
      const settled = info.sealed && info.lastSequence < lowestInFlight && !busy.has(info.id)
      if (settled && this.#isFree(info.id, { kept, listed }, now)) free.push(info.id)
      else kept.add(info.id)
    }
    return free
  }

  #isFree(ackSegment: number, others: OtherSegments, now: number): boolean {
    const { kept, listed } = others
    const account = this.#acks.get(ackSegment)
    if (account === undefined) return true
    if (account.outcomes.size > 0 || account.settledIds > 0 || account.halts > 0) return false
    if (account.kept > 0) return false
    if (account.limitsUntil > now || account.pinned) return false
    if (account.holdsResume && kept.size > 0) return false
    for (const segment of account.copiedFrom) {
      if (kept.has(segment)) return false
      if (!listed.has(segment) && !this.#isFree(segment, others, now)) return false
    }
    return true
  }

  /** A durable manifest no longer lists these message segments. */
  messageSegmentsGone(segments: readonly number[]): void {
    for (const segment of segments) {
      const copies = this.#relocatedTo.get(segment) ?? none
      this.#relocatedTo.delete(segment)
      for (const others of this.#relocatedTo.values()) {
        // Messages written again from there, and then once more, are inherited by the last segment.
        if (others.delete(segment)) for (const copy of copies) others.add(copy)
      }
      for (const { outcomes } of this.#acks.values()) {
        const count = outcomes.get(segment)
        if (count === undefined) continue
        outcomes.delete(segment)
        for (const copy of copies) raise(outcomes, copy, count)
      }
    }
  }

  ackSegmentsGone(segments: readonly number[]): void {
    for (const segment of segments) this.#acks.delete(segment)
  }

  #account(ackSegment: number): AckAccount {
    let account = this.#acks.get(ackSegment)
    if (account === undefined) {
      account = {
        settling: 0,
        settlingBytes: 0,
        settlingAlone: 0,
        others: 0,
        othersBytes: 0,
        frameBytes: 0,
        madeBytes: undefined,
        outcomes: new Map(),
        settledIds: 0,
        sharedDeaths: 0,
        resultBytes: 0,
        halts: 0,
        kept: 0,
        holdsResume: false,
        pinned: false,
        limitsUntil: 0,
        copiedFrom: new Set(),
      }
      this.#acks.set(ackSegment, account)
    }
    return account
  }
}

const none: ReadonlySet<number> = new Set()
const nothing = { messages: 0, bytes: 0 }

/**
 * A needed id takes a settling outcome, a row of a block; any other outcome is assumed to be of average size.
 */
function neededBytes(account: AckAccount, now: number): number {
  const { settling, settlingBytes, others, othersBytes, settledIds, resultBytes } = account
  const { halts, kept, holdsResume, pinned, sharedDeaths } = account
  let outcomes = 0
  for (const count of account.outcomes.values()) outcomes += count
  const limits = account.limitsUntil > now ? 1 : 0
  const single = halts + kept + limits + (holdsResume ? 1 : 0) + (pinned ? 1 : 0)
  // Deaths with a channel take one frame, however many they are.
  const shared = sharedDeaths > 0 ? 1 : 0
  const rest = Math.max(0, outcomes - settledIds - sharedDeaths) + shared + single
  const averageBytes = FRAME_HEADER_BYTES + (settlingBytes + othersBytes) / Math.max(1, settling + others)
  return (settledIds * settlingBytes) / Math.max(1, settling) + resultBytes + rest * averageBytes
}

function raise(counts: Map<number, number>, key: number, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by)
}

function lower(counts: Map<number, number>, key: number): void {
  const count = counts.get(key)
  if (count === undefined) throw new Error(`Segment ${key} was counted less often than it is struck`)
  if (count === 1) counts.delete(key)
  else counts.set(key, count - 1)
}
