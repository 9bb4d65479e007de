/**
 * Rebuilds the state from the two logs: first folds the ack log, then reads the message log and applies to
 * each message its last outcome and its row of the recovery table.
 */

import type { CorruptRange, LostRecord, OpenVisitor, VisitedFrame, Witness } from '../../log/types.js'
import type { DedupeIndex } from '../dedupe/dedupe-index.js'
import { OutcomeFold } from '../fold/fold.js'
import { recoveryRow, unmarkedRow } from '../fold/recovery-table.js'
import type { WindowFold } from '../fold/window-fold.js'
import type { MessageIndex } from '../index/message-index.js'
import { ACK_LOG, MESSAGE_LOG } from '../log-names.js'
import type { LimitUsage, MessageRef } from '../message-store.js'
import type { QueueTime } from '../queue-time.js'
import { EnvelopeScan } from '../record/envelope-scan.js'
import { checkIsMessage } from '../record/message.js'
import type { AliveRecord } from '../record/outcome.js'
import { SETTLED_FRAME_TYPE } from '../record/outcome-format.js'
import { OutcomeScan } from '../record/outcome-scan.js'
import type { ReplacedBy } from '../record/replaced-by.js'
import { RESULT_FRAME_TYPE, type ResultPlace } from '../record/result.js'
import { MAX_ROWS, SettledBlock } from '../record/settled-block.js'
import type { LostMessage, LostMessages, StoreRecovery } from '../types.js'
import type { SegmentMembership } from '../usage/segment-membership.js'
import type { SegmentUsage } from '../usage/segment-usage.js'
import type { ChannelMoves } from '../windows/channel-moves.js'
import type { DurablePauses } from '../windows/durable-pauses.js'
import type { PartedPlace } from '../windows/parted-place.js'
import type { TakenPlaces } from '../windows/taken-places.js'
import type { ChannelHalts } from '../write/outcome-recorder.js'
import { MAX_LISTED_LOST } from './lost-messages.js'
import { PendingResults } from './pending-results.js'
import { ReplacedMessages } from './replaced-messages.js'

/** Recovery row for a message with no recorded outcome: nearly the whole backlog. */
const untouched = recoveryRow('present', 'none', false)

/** The state that an opening fills. */
export interface OpeningState {
  readonly index: MessageIndex
  readonly usage: SegmentUsage
  readonly dedupe: DedupeIndex
  readonly halts: ChannelHalts
  readonly pauses: DurablePauses
  readonly moves: ChannelMoves
  readonly membership: SegmentMembership
  readonly parted: PartedPlace
  readonly places: TakenPlaces
}

interface Suspect {
  readonly ref: MessageRef
  readonly channel: string
  readonly key: number
}

export class Opening implements OpenVisitor {
  readonly #state: OpeningState
  readonly #time: QueueTime
  readonly #fold = new OutcomeFold()
  readonly #envelope = new EnvelopeScan()
  readonly #outcomes = new OutcomeScan()
  readonly #block = new SettledBlock()
  readonly #results = new PendingResults()
  /** By row of a block, 1 or 0. */
  readonly #isRemembered = new Uint8Array(MAX_ROWS)
  /** The latest attempt marks may be missing. */
  #tailInDoubt = false
  /** Messages that may have been attempted, if marks are missing. */
  readonly #suspects: Suspect[] = []
  /**
   * By channel, the lowest order key of a message that certainly still waited: nothing behind it was
   * attempted.
   */
  readonly #waiting = new Map<string, number>()
  readonly #replaced: ReplacedMessages
  /** Messages in doubt because their marks may be missing. */
  readonly unmarked: MessageRef[] = []
  #messages = 0
  /** The index knows which channels have other names. */
  #areNamed = false
  /** The latest moment found, in the queue's time. */
  #latest = 0
  /** Ack log: the sequence of the last frame read, and of the last one before lost bytes. */
  #metUpTo = 0
  #lostBehind = -1
  /** Attempts that were open in windows of limits, and must be recorded as taken. */
  renewedPlaces: readonly LimitUsage[] = []
  /** True if a message has a time to live. */
  #areMortal = false

  /**
   * `time` continues from the moment on disk once the opening is finished; nothing is judged by it earlier.
   */
  constructor(state: OpeningState, time: QueueTime) {
    this.#state = state
    this.#time = time
    this.#replaced = new ReplacedMessages(this.#fold, state.index)
  }

  tailInDoubt(log: string): void {
    if (log === ACK_LOG) this.#tailInDoubt = true
  }

  frame(log: string, frame: VisitedFrame): void {
    if (log === ACK_LOG) this.#outcome(frame)
    else this.#message(frame)
  }

  lost(log: string, range: CorruptRange): void {
    if (log !== ACK_LOG) return
    this.#fold.lose(range)
    this.#lostBehind = this.#metUpTo
  }

  nextSequenceAtLeast(log: string): number {
    return log === MESSAGE_LOG ? this.#fold.nextMessageSequence : 1
  }

  /** An outcome proves that its message was accepted. */
  witness(log: string): Witness | undefined {
    if (log !== MESSAGE_LOG) return undefined
    const fold = this.#fold
    const { membership } = this.#state
    return {
      highest: fold.highestNamed,
      *absent(from) {
        for (const sequence of fold.named(from)) if (!membership.holds(sequence)) yield sequence
      },
    }
  }

  #outcome({ type, data, sequence, segment, offset }: VisitedFrame): void {
    const { usage } = this.#state
    this.#metUpTo = Math.max(this.#metUpTo, sequence)
    if (type === SETTLED_FRAME_TYPE) {
      this.#settlements(data, sequence, segment)
      return
    }
    if (type === RESULT_FRAME_TYPE) {
      usage.resultFrameAdded(segment, data.length)
      if (this.#state.dedupe.remembersResults)
        this.#results.add(sequence, segment, { offset, bytes: data.length })
      return
    }
    usage.frameAdded(segment, data.length)
    const outcome = this.#outcomes.read(type, data, sequence)
    if (outcome.at > this.#latest) this.#latest = outcome.at
    this.#fold.add(sequence, segment, outcome)
  }

  #settlements(data: Buffer, sequence: number, segment: number): void {
    const { usage, dedupe } = this.#state
    const block = this.#block
    block.begin(data, sequence)
    usage.blockAdded(segment, block.count, data.length)
    this.#fold.met(sequence, block.nextSequence)
    const results = this.#results.isEmpty ? undefined : this.#results.take(block, segment)
    if (block.count === 1) {
      this.#settleAlone(block, segment, results?.[0])
      return
    }
    const remembered = this.#settle(block, segment)
    if (remembered === 0) return
    // Done before they are added: an id may be beyond the limit at once.
    usage.settledIdAdded(segment, remembered)
    const { count, settlement } = block
    results?.forEach((result, row) => {
      if (result !== undefined && this.#isRemembered[row] === 1) usage.resultAdded(segment, result.bytes)
    })
    if (remembered === count) {
      dedupe.addBlock(block, segment, results)
      return
    }
    dedupe.scanTexts(data, block.textsFrom, data.length, count)
    for (let row = 0; block.next(); row += 1) {
      if (this.#isRemembered[row] !== 1) continue
      dedupe.addScanned(settlement, segment, block.ackSequence, results?.[row])
    }
  }

  /** The only row of a block: its channel is usually in the page already. */
  #settleAlone(block: SettledBlock, segment: number, result: ResultPlace | undefined): void {
    const { usage, dedupe } = this.#state
    if (block.ats[0]! > this.#latest) this.#latest = block.ats[0]!
    const isNew = this.#fold.settle(segment, block.sequences[0]!)
    if (block.kind(0) === 'replaced') this.#fold.replaced(block.sequences[0]!)
    if (!isNew || !dedupe.remembersAny || block.idBytes[0] === 0) return
    usage.settledIdAdded(segment)
    if (result !== undefined) usage.resultAdded(segment, result.bytes)
    block.next()
    dedupe.addScanned(block.settlement, segment, block.ackSequence, result)
  }

  /** Folds the rows of a block. Returns how many of their ids to remember. */
  #settle(block: SettledBlock, segment: number): number {
    const { count, sequences, ats, idBytes } = block
    const { remembersAny } = this.#state.dedupe
    let remembered = 0
    for (let row = 0; row < count; row += 1) {
      if (ats[row]! > this.#latest) this.#latest = ats[row]!
      const isNew = this.#fold.settle(segment, sequences[row]!)
      if (block.kind(row) === 'replaced') this.#fold.replaced(sequences[row]!)
      // Without an id: the message could no longer be read.
      const isRemembered = isNew && remembersAny && idBytes[row]! > 0
      this.#isRemembered[row] = isRemembered ? 1 : 0
      if (isRemembered) remembered += 1
    }
    return remembered
  }

  #message({ type, data, sequence, segment, offset }: VisitedFrame): void {
    checkIsMessage(sequence, type)
    this.#messages += 1
    if (!this.#areNamed) this.#nameChannels()
    const { index, usage, membership } = this.#state
    membership.add(segment, sequence)
    const settledIn = this.#fold.settledIn(sequence)
    if (settledIn !== undefined) {
      // Delivered, cancelled or purged: the same row of the table.
      usage.outcomeWritten(segment, undefined, settledIn)
      // The end of what it replaced stands before its own, unless bytes of the ack log were lost.
      if (this.#fold.hasGaps) this.#replaced.met(data, sequence, this.#envelope)
      return
    }
    // A second copy of a frame changes nothing (invariant 11).
    if (index.bySequence(sequence) !== undefined) return
    this.#envelope.read(data, sequence)
    const own = this.#fold.last(sequence)
    const mayHaveLost = this.#fold.mayHaveLost(sequence, own)
    const last = this.#fold.closings.isEmpty ? own : this.#fold.lastIn(this.#envelope.channel, sequence)
    const row =
      last === undefined && !mayHaveLost
        ? untouched
        : recoveryRow('present', last?.record.kind ?? 'none', mayHaveLost)
    const ref = index.addScanned(sequence, this.#envelope, segment, offset, data.length)
    if (this.#envelope.replaces !== undefined) this.#replaced.met(data, sequence, this.#envelope, ref)
    index.restore(ref, last, row)
    if (last !== undefined) {
      usage.outcomeWritten(segment, undefined, last.segment)
      if (last !== own) usage.deathsShared(last.segment, 1)
      index.table.setAck(ref, last.segment, last.ackSequence)
    }
    usage.messageAdded(segment, data.length)
    if (this.#tailInDoubt && !mayHaveLost) this.#weigh(ref, sequence, last?.record.kind)
    if (this.#envelope.enqueuedAt > this.#latest) this.#latest = this.#envelope.enqueuedAt
    if (index.table.expiresAt(ref) !== Infinity) this.#areMortal = true
  }

  /** The acks were read. */
  #nameChannels(): void {
    this.#areNamed = true
    for (const [from, to] of this.#fold.moves.names()) this.#state.index.channels.move(from, to)
  }

  /** Describes messages proven to be lost: unsettled ones first, then the others, each group by sequence. */
  lostMessages(records: readonly LostRecord[]): LostMessages {
    const messages: LostMessage[] = []
    const settled = new Set<number>()
    for (const { sequence } of records) {
      const last = this.#fold.last(sequence)
      if (last === undefined) settled.add(sequence)
      else {
        const { kind, attempts, at } = last.record
        messages.push({ sequence, lastOutcome: kind, attempts, at })
      }
    }
    const unsettled = messages.length
    if (settled.size > 0 && unsettled < MAX_LISTED_LOST) {
      const remembered = this.#state.dedupe.ofMessages(settled)
      for (const { sequence, state, attempts, at, id, channel } of remembered)
        messages.push({ sequence, lastOutcome: state, attempts, at, id, channel })
    }
    return { unsettled, settled: settled.size, messages: messages.slice(0, MAX_LISTED_LOST) }
  }

  /**
   * Whether the message may have been attempted after the end of the ack log; `attempt-window.ts` gives the
   * reasons.
   */
  #weigh(ref: MessageRef, sequence: number, last: AliveRecord['kind'] | undefined): void {
    const { index } = this.#state
    // An open attempt may have ended; a redrive or an appointment puts a message before the one whose turn it
    // is.
    if (last === 'attempt' || last === 'redriven' || last === 'dead') return
    if (last === undefined && index.deliverAt(ref) !== 0) return
    const channel = index.channel(ref)
    const key = index.orderKey(ref)
    if (last === undefined && this.#fold.windows.covers(sequence, channel))
      this.#suspects.push({ ref, channel, key })
    else this.#waited(channel, key)
  }

  /** A message of this order key certainly waited. */
  #waited(channel: string, key: number): void {
    if (key < (this.#waiting.get(channel) ?? Number.POSITIVE_INFINITY)) this.#waiting.set(channel, key)
  }

  #judgeSuspects(): void {
    const { index } = this.#state
    for (const { ref } of this.#replaced.found) this.#waited(index.channel(ref), index.orderKey(ref))
    for (const { ref, channel, key } of this.#suspects) {
      if (this.#replaced.unattempted.has(ref)) continue
      if ((this.#waiting.get(channel) ?? Number.POSITIVE_INFINITY) < key) continue
      index.restore(ref, undefined, unmarkedRow)
      this.unmarked.push(ref)
    }
  }

  /** Messages that newer ones replaced, with no outcome that says so yet. */
  get replaced(): readonly { readonly ref: MessageRef; readonly by: ReplacedBy }[] {
    return this.#replaced.found
  }

  /** Windows of attempts and markings of channels. */
  get windows(): WindowFold {
    return this.#fold.windows
  }

  /** Whether records may be missing from the tail of the ack log. */
  get isTailInDoubt(): boolean {
    return this.#tailInDoubt
  }

  /** Whether lost bytes of the ack log may have recorded attempts, and no record says so yet. */
  get lacksAttempts(): boolean {
    return this.#lostBehind >= (this.#fold.places.uncounted?.ackSequence ?? 0)
  }

  /** Server-told waits that are not over. */
  limits(): { scope: 'channel' | 'group' | 'global'; target: string; until: number }[] {
    const limits = this.#fold.limits.inForce(this.#time.now())
    return [...limits].map(({ scope, target, until }) => ({ scope, target, until }))
  }

  /** Ack sequences of the frames that bound which messages lost ack bytes can have named. */
  gapEnds(): ReadonlySet<number> {
    return this.#fold.gapEnds()
  }

  /** Called after the last frame: applies what outcomes say beyond the messages found. */
  finish(): Pick<StoreRecovery, 'messages' | 'pending' | 'inDoubt' | 'dead' | 'expired'> {
    const { index, usage, dedupe, halts } = this.#state
    if (!this.#areNamed) this.#nameChannels()
    index.scanned()
    const { parted } = this.#fold
    this.#time.goOnFrom(this.#latest, parted?.reading)
    if (parted !== undefined) this.#state.parted.standsIn(parted.segment, parted.ackSequence, usage)
    const now = this.#time.now()
    for (const { channel, since, segment, ackSequence } of this.#fold.halts()) {
      halts.set(channel, { since, segment, ackSequence })
      usage.haltAdded(segment)
    }
    this.#state.pauses.opened(this.#fold.pauses.inForce())
    this.#state.moves.opened(this.#fold.moves.inForce())
    for (const segment of this.#fold.resumeSegments()) usage.resumeAdded(segment)
    for (const { until, segment } of this.#fold.limits.inForce(now)) usage.limitAdded(segment, until)
    for (const { until, segment } of this.#fold.limits.ends(now)) usage.limitAdded(segment, until)
    this.renewedPlaces = this.#state.places.opened(this.#fold.places, now, this.#latest)
    dedupe.scanned(now)
    this.#replaced.judge()
    this.#judgeSuspects()
    const counts = index.counts()
    return {
      messages: this.#messages,
      pending: counts.pending - this.#replaced.count('pending'),
      inDoubt: counts['in-doubt'] - this.#replaced.count('in-doubt'),
      dead: counts.dead,
      expired: this.#areMortal ? index.countExpired(this.#time) : 0,
    }
  }
}
