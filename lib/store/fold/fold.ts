/**
 * Folds the ack log: for each message the outcome with the highest ack sequence counts, whatever the order
 * and number of its frames (invariant 11). The message log is read afterwards and looks up each message.
 */
import type { CorruptRange } from '../../log/types.js'
import type { ClockReading } from '../queue-time.js'
import { type AliveRecord, isOfMessage, type OtherRecord } from '../record/outcome.js'
import { SequenceTable } from '../tables/sequence-table.js'
import { ClosingFold, deathOf } from './closing-fold.js'
import { type FoldedHalt, HaltFold } from './halt-fold.js'
import { LimitFold } from './limit-fold.js'
import { MoveFold } from './move-fold.js'
import { OutcomeGaps } from './outcome-gaps.js'
import { PauseFold } from './pause-fold.js'
import { PlacesFold } from './places-fold.js'
import { supersedes } from './supersedes.js'
import { WindowFold } from './window-fold.js'

/** The last outcome of a message that is not settled. */
export interface FoldedOutcome {
  readonly ackSequence: number
  /** The ack segment that holds it. */
  readonly segment: number
  readonly record: AliveRecord
}

/** When the wall clock last parted from the queue's time. */
export interface FoldedReading {
  readonly reading: ClockReading
  readonly ackSequence: number
  readonly segment: number
}

export class OutcomeFold {
  /**
   * For messages that are not settled. Most outcomes of a log settle a message or precede one that does:
   * those are dropped at once.
   */
  readonly #alive = new Map<number, FoldedOutcome>()
  /**
   * By message, the ack segment that says it is settled: a queue that ended before compaction may have
   * millions.
   */
  readonly #settledIn = new SequenceTable<number>()
  /** Of those, messages that newer ones replaced. */
  readonly #replaced = new Set<number>()
  readonly #gaps = new OutcomeGaps()
  readonly #halts = new HaltFold()
  readonly limits = new LimitFold()
  readonly pauses = new PauseFold()
  readonly moves = new MoveFold()
  readonly closings = new ClosingFold()
  readonly windows = new WindowFold()
  readonly places = new PlacesFold()
  readonly #resumeSegments = new Set<number>()
  #parted: FoldedReading | undefined
  #nextMessageSequence = 1
  /**
   * The highest message that an outcome is about. All of those were accepted, which the next sequence does
   * not prove of any message.
   */
  #highestNamed = 0

  add(ackSequence: number, segment: number, record: AliveRecord | OtherRecord): void {
    this.met(ackSequence, record.nextSequence)
    this.#halts.add(ackSequence, segment, record)
    this.windows.add(ackSequence, segment, record)
    this.places.add(ackSequence, segment, record)
    this.limits.add(ackSequence, segment, record)
    this.pauses.add(ackSequence, segment, record)
    this.moves.add(ackSequence, segment, record)
    this.closings.add(ackSequence, segment, record)
    if (record.kind === 'resumed' || record.kind === 'unpaused' || endsMove(record))
      this.#resumeSegments.add(segment)
    if (record.kind === 'parted' && supersedes(ackSequence, this.#parted))
      this.#parted = { ackSequence, segment, reading: { at: record.at, wall: record.wall } }
    if (!isOfMessage(record)) return
    this.#named(record.sequence)
    if (this.#settledIn.find(record.sequence) !== undefined) return
    if (supersedes(ackSequence, this.#alive.get(record.sequence)))
      this.#alive.set(record.sequence, { ackSequence, segment, record })
  }

  /** Called first for each frame of the ack log, whatever it says. */
  met(ackSequence: number, nextSequence: number): void {
    this.#gaps.met(ackSequence, nextSequence)
    this.#nextMessageSequence = Math.max(this.#nextMessageSequence, nextSequence)
  }

  /**
   * An outcome in a frame that was met settled this message. Nothing is recorded of it later, so this is its
   * last outcome in any order. False: a second copy, which changes nothing.
   */
  settle(segment: number, sequence: number): boolean {
    this.#named(sequence)
    if (!this.#settledIn.addNew(sequence, segment)) return false
    if (this.#alive.size > 0) this.#alive.delete(sequence)
    return true
  }

  /** The outcome that settled this message says that it was replaced. */
  replaced(sequence: number): void {
    this.#replaced.add(sequence)
  }

  /** Whether an outcome is known of this message, other than that it was replaced. */
  hasOutcome(sequence: number): boolean {
    if (this.#alive.has(sequence)) return true
    return this.#settledIn.find(sequence) !== undefined && !this.#replaced.has(sequence)
  }

  #named(sequence: number): void {
    if (sequence > this.#highestNamed) this.#highestNamed = sequence
    this.#nextMessageSequence = Math.max(this.#nextMessageSequence, sequence + 1)
  }

  /** Bytes of the ack log that should have held frames and did not; called between the frames around them. */
  lose(range: CorruptRange): void {
    this.#gaps.lose(range)
  }

  /** The last outcome of a message that is not settled; undefined: it has none, or is settled. */
  last(sequence: number): FoldedOutcome | undefined {
    // Usual for a backlog never attempted: a look into an empty Map costs as much as one into a full one.
    return this.#alive.size === 0 ? undefined : this.#alive.get(sequence)
  }

  /** As `last`, of a message enqueued to this channel, with which it may have died. */
  lastIn(channel: string, sequence: number): FoldedOutcome | undefined {
    const last = this.last(sequence)
    const closing = last === undefined ? this.closings.of(channel, sequence) : undefined
    return closing === undefined ? last : deathOf(closing, sequence)
  }

  /** The ack segment that says the message is settled; undefined: it is not. */
  settledIn(sequence: number): number | undefined {
    return this.#settledIn.find(sequence)
  }

  /** Whether lost ack bytes behind its last known outcome may have named this message. */
  mayHaveLost(sequence: number, last: FoldedOutcome | undefined): boolean {
    return this.#gaps.mayHaveLost(sequence, last?.ackSequence ?? 0)
  }

  /** Whether bytes of the ack log were lost. */
  get hasGaps(): boolean {
    return this.#gaps.any
  }

  /**
   * Ack sequences of the frames that bound what lost bytes can have named: they stay while that is in doubt.
   */
  gapEnds(): ReadonlySet<number> {
    return this.#gaps.ends()
  }

  /** The lowest sequence that a new message may have: lower ones may be taken. */
  get nextMessageSequence(): number {
    return this.#nextMessageSequence
  }

  /** The highest sequence of a message that an outcome is about; 0: there is none. */
  get highestNamed(): number {
    return this.#highestNamed
  }

  /** Messages from `from` on that an outcome is about, in no order. */
  *named(from: number): Generator<number> {
    for (const sequence of this.#alive.keys()) if (sequence >= from) yield sequence
    yield* this.#settledIn.sequences(from)
  }

  /** Channels halted by a dead letter that no one has resumed since. */
  halts(): Iterable<FoldedHalt> {
    return this.#halts.inForce()
  }

  /** Undefined: they never parted. */
  get parted(): FoldedReading | undefined {
    return this.#parted
  }

  /** Ack segments that hold a resume, or another record that only undoes older ones. */
  resumeSegments(): Iterable<number> {
    return this.#resumeSegments
  }
}

/** The channel has its own name again. */
function endsMove(record: AliveRecord | OtherRecord): boolean {
  return record.kind === 'moved' && record.from === record.to
}
