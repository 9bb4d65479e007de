/**
 * Decides which outcomes of the ack segments being rewritten the fold still needs. All others are dropped:
 * those that a later outcome of the same message replaced, and those of messages that are gone. Outcomes that
 * settled their messages are merged into large blocks (`settled-block.ts`).
 *
 * An outcome stays for one of these reasons (the same as in `segment-usage.ts`):
 *   1. It is the last one of a live message.
 *   2. It settled a message that may still be in a message segment that counts: without it the message would
 *      come back (invariant 10). Segments that no longer count in memory are not asked: the manifest that
 *      makes the copies count does not list them either.
 *   3. The dedupe window remembers its message's id. If the window also remembers its result, that stays too,
 *      before the block with its outcome and in the same segment (`record/result.ts`): both are put at once.
 *   4. It halts or durably pauses a channel. Or it ends that, and such an outcome may come before it: it goes
 *      only if nothing in the log is older than this run, and no outcome of the run that stays halts or
 *      pauses the same.
 *   5. It tells, or ends, a wait that is not over.
 *   6. It is the last window of attempts or the last marking of a channel (`attempt-window.ts`), the last
 *      record of how the wall clock parted from the queue's time, or the last record of the places taken in
 *      a window of a limit (`taken-places.ts`).
 *   7. It closed a channel, and is the last outcome of a live message. Or it gave a channel another name that
 *      it still has (`channel-moves.ts`), or ends that, as in 4.
 *   8. It bounds what lost ack bytes can have named. A block carries the highest next sequence of its
 *      outcomes, so such an outcome is the last one of its block.
 * An outcome is only replaced by one that was already accepted. The ack log is synced after the last frame
 * was judged and before the copies count, so no power loss takes the later one while the earlier one is gone.
 */
import { FRAME_HEADER_BYTES } from '../../log/format/format.js'
import type { PutRecord, SegmentInfo, VisitedFrame } from '../../log/types.js'
import type { DedupeIndex } from '../dedupe/dedupe-index.js'
import type { MessageIndex } from '../index/message-index.js'
import type { MessageRef } from '../message-store.js'
import { type AliveRecord, isOfMessage, type OtherRecord } from '../record/outcome.js'
import { SETTLED_FRAME_TYPE } from '../record/outcome-format.js'
import { OutcomeScan } from '../record/outcome-scan.js'
import { RESULT_FRAME_TYPE } from '../record/result.js'
import { SettledBlock } from '../record/settled-block.js'
import { SettledBlockWriter } from '../record/settled-block-writer.js'
import type { SettledRecord } from '../record/settled-record.js'
import type { SegmentMembership } from '../usage/segment-membership.js'
import type { SegmentUsage } from '../usage/segment-usage.js'
import type { AttemptWindow } from '../windows/attempt-window.js'
import type { ChannelMoves } from '../windows/channel-moves.js'
import type { DurablePauses } from '../windows/durable-pauses.js'
import type { PartedPlace } from '../windows/parted-place.js'
import type { TakenPlaces } from '../windows/taken-places.js'
import type { ChannelHalts } from '../write/outcome-recorder.js'

export interface OutcomeSources {
  readonly index: MessageIndex
  readonly usage: SegmentUsage
  readonly dedupe: DedupeIndex
  readonly halts: ChannelHalts
  readonly pauses: DurablePauses
  readonly moves: ChannelMoves
  readonly parted: PartedPlace
  readonly membership: SegmentMembership
  readonly window: AttemptWindow
  readonly places: TakenPlaces
  /** Ack sequences of the frames that bound what lost bytes can have named. */
  readonly gapEnds: ReadonlySet<number>
  readonly now: () => number
}

/** What accounting for the copy of an unchanged outcome takes. */
interface Kept {
  /** The sequence of its message; for an outcome of no message, the record. */
  readonly record: number | OtherRecord
  /** The channel that it halts. */
  readonly halts: string | undefined
  /** Epoch ms until which it makes something wait. */
  readonly until: number
  /** Of its record. */
  readonly bytes: number
}

/** A record that waits to be put. */
interface Held {
  readonly sequence: number
  readonly type: number
  readonly data: Buffer
}

/** The most bytes held before or behind one block: beyond that it is written, full or not. */
const MAX_HELD_BYTES = 64 * 1024

export class NeededOutcomes {
  readonly #sources: OutcomeSources
  readonly #countingSegments: () => readonly SegmentInfo[]
  /** Those that counted when judging began, then those that still did when it was over. */
  #messageSegments: readonly SegmentInfo[] = []
  /** The lowest sequence in one of them. */
  #lowestMessage = 0
  readonly #isOldest: boolean
  readonly #scan = new OutcomeScan()
  readonly #block = new SettledBlock()
  readonly #filling = new SettledBlockWriter()
  /** Results whose block comes next in the originals. */
  #pending: Held[] = []
  /** The results of the block being filled, and what came between them. */
  #ahead: Held[] = []
  #aheadBytes = 0
  /** What comes after that block. */
  #held: Held[] = []
  #heldBytes = 0
  /** The results that stay, by ack sequence. */
  readonly #results = new Map<number, { readonly bytes: number; offset: number }>()
  /** By ack sequence, until the log tells where they went. */
  readonly #blocks = new Map<number, Buffer>()
  readonly #kept = new Map<number, Kept>()
  /** Channels halted by an outcome of the run that stays, whatever the reason it stays. */
  readonly #halted = new Set<string>()
  /** The same for the selectors of durable pauses. */
  readonly #paused = new Set<string>()
  /** The same for the former names of channels. */
  readonly #moved = new Set<string>()
  /** By ack sequence of a closed channel's record, the messages that died with it. Made on first use. */
  #dead: ReadonlyMap<number, readonly MessageRef[]> | undefined
  /** Ack segments that were made. */
  readonly made = new Set<number>()

  /**
   * `messageSegments`: those that count now. `isOldest`: no ack segment that counts is older than the run.
   */
  constructor(sources: OutcomeSources, messageSegments: () => readonly SegmentInfo[], isOldest: boolean) {
    this.#sources = sources
    this.#countingSegments = messageSegments
    this.#isOldest = isOldest
    this.#lookAtMessageSegments()
  }

  /** As `RewriteOptions`. */
  keep({ sequence: ackSequence, type, data }: VisitedFrame, put: PutRecord): boolean {
    if (type === SETTLED_FRAME_TYPE) {
      const block = this.#block
      block.begin(data, ackSequence)
      while (block.next()) {
        const result = this.#pendingOf(block.ackSequence)
        this.#judgeSettlement(block.settlement, block.ackSequence, result, put)
      }
      this.#pending = []
      return false
    }
    if (type === RESULT_FRAME_TYPE) {
      if (this.#sources.dedupe.remembersResults)
        this.#pending.push({ sequence: ackSequence, type, data: Buffer.from(data) })
      return false
    }
    const outcome = this.#scan.read(type, data, ackSequence)
    if (this.#kept.has(ackSequence) || !this.#isNeeded(ackSequence, outcome)) return false
    const halts = outcome.kind === 'dead' ? outcome.halts : undefined
    if (halts !== undefined) this.#halted.add(halts)
    if (outcome.kind === 'paused') this.#paused.add(outcome.selector)
    if (outcome.kind === 'moved' && outcome.from !== outcome.to) this.#moved.add(outcome.from)
    this.#kept.set(ackSequence, {
      record: isOfMessage(outcome) ? outcome.sequence : outcome,
      halts,
      until: outcome.kind === 'rate-limited' ? outcome.dueAt : 0,
      bytes: data.length,
    })
    if (this.#filling.isEmpty) return true
    this.#held.push({ sequence: ackSequence, type, data: Buffer.from(data) })
    this.#heldBytes += data.length
    if (this.#heldBytes > MAX_HELD_BYTES) this.putRest(put)
    return false
  }

  /** As `RewriteOptions`: puts the unfinished block, and what comes after it. */
  putRest(put: PutRecord): void {
    if (!this.#filling.isEmpty) {
      const data = this.#filling.take()
      this.#blocks.set(this.#filling.ackSequence, data)
      this.#putAhead(FRAME_HEADER_BYTES + data.length, put)
      put(this.#filling.ackSequence, SETTLED_FRAME_TYPE, data)
    }
    this.#putHeld(put)
  }

  /** `blockBytes`: of the block that follows directly, in the same segment. */
  #putAhead(blockBytes: number, put: PutRecord): void {
    let followedBy = this.#aheadBytes + blockBytes
    for (const { sequence, type, data } of this.#ahead) {
      followedBy -= FRAME_HEADER_BYTES + data.length
      if (type === RESULT_FRAME_TYPE) this.#results.set(sequence, { bytes: data.length, offset: 0 })
      put(sequence, type, data, followedBy)
    }
    this.#ahead = []
    this.#aheadBytes = 0
  }

  #putAheadOfBlock(held: Held): void {
    this.#ahead.push(held)
    this.#aheadBytes += FRAME_HEADER_BYTES + held.data.length
  }

  #putHeld(put: PutRecord): void {
    if (this.#held.length === 0) return
    for (const { sequence, type, data } of this.#held) put(sequence, type, data)
    this.#held = []
    this.#heldBytes = 0
  }

  /** The result of the outcome with this ack sequence; earlier ones have none. */
  #pendingOf(ackSequence: number): Held | undefined {
    while (this.#pending.length > 0 && this.#pending[0]!.sequence < ackSequence - 1) this.#pending.shift()
    return this.#pending[0]?.sequence === ackSequence - 1 ? this.#pending.shift() : undefined
  }

  #judgeSettlement(
    settlement: SettledRecord,
    ackSequence: number,
    result: Held | undefined,
    put: PutRecord,
  ): void {
    // A second copy, which changes nothing (invariant 11); of two blocks with the same end one would be lost.
    if (this.#blocks.has(ackSequence) || this.#filling.endsWith(ackSequence)) return
    const { dedupe, gapEnds } = this.#sources
    const bounds = gapEnds.has(ackSequence)
    if (!bounds && !dedupe.holds(settlement) && !this.#mayComeBack(settlement.sequence)) return
    const kept = result !== undefined && dedupe.holdsResult(settlement) ? result : undefined
    if (this.#filling.isFullFor(settlement, ackSequence) || this.#aheadBytes > MAX_HELD_BYTES)
      this.putRest(put)
    // They come before the frame that this one is in now, and sequences rise.
    else if (this.#ahead.length === 0) this.#putHeld(put)
    else {
      for (const held of this.#held) this.#putAheadOfBlock(held)
      this.#held = []
      this.#heldBytes = 0
    }
    if (kept !== undefined) this.#putAheadOfBlock(kept)
    this.#filling.add(settlement, ackSequence)
    if (bounds) this.putRest(put)
  }

  #isNeeded(ackSequence: number, record: AliveRecord | OtherRecord): boolean {
    const { index, halts, pauses, moves, parted, gapEnds, window, places, now } = this.#sources
    if (gapEnds.has(ackSequence)) return true
    if (record.kind === 'window' || record.kind === 'marking') return window.needs(ackSequence, record)
    if (record.kind === 'places' || record.kind === 'uncounted') return places.needs(ackSequence, record)
    if (record.kind === 'resumed') return !this.#isOldest || this.#halted.has(record.channel)
    if (record.kind === 'parted') return parted.ackSequence === ackSequence
    if (record.kind === 'wait-ended') return record.until > now()
    if (record.kind === 'paused') return pauses.needs(ackSequence, record.selector)
    if (record.kind === 'unpaused') return !this.#isOldest || this.#paused.has(record.selector)
    if (record.kind === 'closed') return this.#diedWith(ackSequence).length > 0
    if (record.kind === 'moved') {
      if (record.from === record.to) return !this.#isOldest || this.#moved.has(record.from)
      return moves.needs(ackSequence, record.from)
    }
    const ref = index.bySequence(record.sequence)
    if (ref !== undefined && index.table.ackSequence(ref) === ackSequence) return true
    if (record.kind === 'dead' && record.halts !== undefined) {
      return halts.get(record.halts)?.ackSequence === ackSequence
    }
    return record.kind === 'rate-limited' && record.dueAt > now()
  }

  /** Those of which it was the last outcome when this was first asked. */
  #diedWith(ackSequence: number): readonly MessageRef[] {
    this.#dead ??= deadByRecord(this.#sources.index)
    return this.#dead.get(ackSequence) ?? noRefs
  }

  #mayComeBack(message: number): boolean {
    return this.#holders(message).length > 0
  }

  #holders(message: number): readonly number[] {
    if (message < this.#lowestMessage) return none
    return this.#sources.membership.holders(this.#messageSegments, message)
  }

  /** The last frame was judged; until the last move is told, no message segment is given up. */
  judged(): void {
    this.#lookAtMessageSegments()
  }

  #lookAtMessageSegments(): void {
    this.#messageSegments = this.#countingSegments()
    this.#lowestMessage = Math.min(...this.#messageSegments.map(({ firstSequence }) => firstSequence))
  }

  /** Accounts for a written record, by the state now: one that is no longer needed counts nowhere. */
  written(ackSequence: number, segment: number, offset: number): void {
    const { usage, gapEnds } = this.#sources
    this.made.add(segment)
    const result = this.#results.get(ackSequence)
    if (result !== undefined) {
      // It counts with the block of its outcome, which comes next.
      result.offset = offset
      usage.resultFrameAdded(segment, result.bytes)
      return
    }
    if (gapEnds.has(ackSequence)) usage.pin(segment)
    const block = this.#blocks.get(ackSequence)
    if (block !== undefined) {
      this.#blocks.delete(ackSequence)
      this.#blockWritten(block, ackSequence, segment)
      return
    }
    const kept = this.#kept.get(ackSequence)!
    this.#kept.delete(ackSequence)
    this.#outcomeWritten(kept, ackSequence, segment)
  }

  #blockWritten(data: Buffer, ackSequence: number, segment: number): void {
    const { usage, dedupe } = this.#sources
    const block = this.#block
    block.begin(data, ackSequence)
    usage.blockAdded(segment, block.count, data.length)
    while (block.next()) {
      for (const holder of this.#holders(block.settlement.sequence)) {
        usage.outcomeWritten(holder, undefined, segment)
      }
      const resultOffset = this.#results.get(block.ackSequence - 1)?.offset
      const left = dedupe.move(block.settlement, { segment, resultOffset })
      if (left !== undefined) usage.settledMoved(left, segment)
    }
  }

  #outcomeWritten(kept: Kept, ackSequence: number, segment: number): void {
    const { index, usage, halts, pauses, moves, parted, window, places } = this.#sources
    const { record } = kept
    usage.frameAdded(segment, kept.bytes)
    if (typeof record !== 'number') {
      if (record.kind === 'resumed') usage.resumeAdded(segment)
      else if (record.kind === 'paused' || record.kind === 'unpaused')
        pauses.moved(record, ackSequence, segment)
      else if (record.kind === 'moved') moves.moved(record, ackSequence, segment)
      else if (record.kind === 'closed') this.#closingWritten(ackSequence, segment)
      else if (record.kind === 'wait-ended') usage.limitAdded(segment, record.until)
      else if (record.kind === 'parted') parted.moved(ackSequence, segment, usage)
      else if (record.kind === 'places' || record.kind === 'uncounted')
        places.moved(ackSequence, record, segment)
      else window.moved(ackSequence, record, segment)
      return
    }
    if (kept.until > 0) usage.limitAdded(segment, kept.until)
    const halt = kept.halts === undefined ? undefined : halts.get(kept.halts)
    if (halt?.ackSequence === ackSequence) {
      usage.haltEnded(halt.segment)
      usage.haltAdded(segment)
      halt.segment = segment
    }
    const ref = index.bySequence(record)
    if (ref === undefined || index.table.ackSequence(ref) !== ackSequence) return
    usage.outcomeWritten(index.table.segment(ref), index.table.ackSegment(ref), segment)
    index.table.setAck(ref, segment, ackSequence)
  }

  #closingWritten(ackSequence: number, segment: number): void {
    const { index, usage } = this.#sources
    const { table } = index
    // Some may be gone, or alive again.
    const refs = this.#diedWith(ackSequence).filter(ref => table.ackSequence(ref) === ackSequence)
    usage.deathsShared(segment, refs.length)
    for (const ref of refs) {
      usage.outcomeWritten(table.segment(ref), table.ackSegment(ref), segment)
      table.setAck(ref, segment, ackSequence)
    }
  }
}

const none: readonly number[] = []
const noRefs: readonly MessageRef[] = []

function deadByRecord({ table, deferred }: MessageIndex): ReadonlyMap<number, readonly MessageRef[]> {
  // What was written a moment ago may already be in the run.
  deferred.apply()
  const dead = new Map<number, MessageRef[]>()
  table.each(ref => {
    if (table.state(ref) !== 'dead' || table.deadReason(ref) !== 'channel') return
    const ackSequence = table.ackSequence(ref)
    const refs = dead.get(ackSequence)
    if (refs === undefined) dead.set(ackSequence, [ref])
    else refs.push(ref)
  })
  return dead
}
