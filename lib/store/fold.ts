/**
 * Folds the ack log: of each message the outcome with the highest ack sequence counts, in whatever order the frames
 * come and however often (invariant 11). The message log is read afterwards, and asks for each message that it holds.
 */
import { SEGMENT_HEADER_BYTES } from '../log/format.js'
import type { CorruptRange } from '../log/types.js'
import type { Scope } from './message-store.js'
import type { MessageOutcomeRecord, OutcomeRecord, SettlingRecord } from './outcome.js'
import { isSettling } from './outcome.js'

/** The names of the two logs, in manifests and reports. */
export const MESSAGE_LOG = 'messages'
export const ACK_LOG = 'acks'

export interface FoldedOutcome<T extends MessageOutcomeRecord = MessageOutcomeRecord> {
  readonly ackSequence: number
  /** The ack segment that holds it. */
  readonly segment: number
  readonly record: T
}

export interface FoldedHalt {
  readonly channel: string
  /** Epoch ms. */
  readonly since: number
  readonly segment: number
}

/** A wait that a receiver told, for a channel or more, and that is not over. */
export interface FoldedLimit {
  readonly scope: Scope
  readonly target: string
  /** Epoch ms; as told, but not later than the told delay from now. */
  readonly until: number
  readonly segment: number
}

/** Ack bytes that are lost, as a bound on what they can have held. */
interface Gap {
  /** Frames in it had lower ack sequences than this. */
  endsBefore: number
  /** Only messages with a lower sequence than this existed when they were written. */
  messagesBelow: number
  /** The lowest ack sequence met that is not in the gap. */
  closedBy: number
}

export class OutcomeFold {
  readonly #last = new Map<number, FoldedOutcome>()
  readonly #gaps: Gap[] = []
  /** The latest halt and the latest resume of each channel, by ack sequence. */
  readonly #halts = new Map<string, FoldedHalt & { readonly ackSequence: number }>()
  readonly #resumes = new Map<string, number>()
  /** By scope and target, the one that lasts longest. */
  readonly #limits = new Map<string, FoldedLimit>()
  readonly #now: number
  readonly #resumeSegments = new Set<number>()
  #nextMessageSequence = 1
  /** A gap whose end the next frame tells. */
  #undecided: Gap | undefined

  /** `now`: epoch ms of the opening. */
  constructor(now: number) {
    this.#now = now
  }

  add(ackSequence: number, segment: number, record: OutcomeRecord): void {
    this.#closeGaps(ackSequence, record.nextSequence)
    this.#nextMessageSequence = Math.max(this.#nextMessageSequence, record.nextSequence)
    if (record.kind === 'resumed') {
      this.#resumes.set(record.channel, Math.max(ackSequence, this.#resumes.get(record.channel) ?? 0))
      this.#resumeSegments.add(segment)
      return
    }
    this.#nextMessageSequence = Math.max(this.#nextMessageSequence, record.sequence + 1)
    if (record.kind === 'dead' && record.halts !== undefined) {
      const known = this.#halts.get(record.halts)
      if (known === undefined || known.ackSequence < ackSequence) {
        this.#halts.set(record.halts, { channel: record.halts, since: record.at, segment, ackSequence })
      }
    }
    if (record.kind === 'rate-limited') {
      const { scope, target } = record
      const until = clampedDue(record, this.#now)
      const key = `${scope} ${target}`
      if (until > Math.max(this.#now, this.#limits.get(key)?.until ?? 0)) {
        this.#limits.set(key, { scope, target, until, segment })
      }
    }
    const known = this.#last.get(record.sequence)
    if (known === undefined || known.ackSequence < ackSequence) {
      this.#last.set(record.sequence, { ackSequence, segment, record })
    }
  }

  /** Bytes of the ack log that should have held frames and did not; called between the frames around them. */
  lose(range: CorruptRange): void {
    // Behind the header, and no sequence is missing; or it is the header: no frame is lost.
    // (A segment that vanished while it was open has no length.)
    const inHeader = range.length > 0 && range.offset + range.length <= SEGMENT_HEADER_BYTES
    const fromHeader = range.offset < SEGMENT_HEADER_BYTES
    if (range.lastMissing === undefined && (inHeader || !fromHeader)) return
    const gap: Gap = {
      endsBefore: range.nextSequences[ACK_LOG] ?? Number.POSITIVE_INFINITY,
      messagesBelow: range.nextSequences[MESSAGE_LOG] ?? Number.POSITIVE_INFINITY,
      closedBy: Number.POSITIVE_INFINITY,
    }
    if (range.lastMissing !== undefined) gap.endsBefore = Math.min(gap.endsBefore, range.lastMissing + 1)
    else this.#undecided = gap
    this.#gaps.push(gap)
  }

  /** The frame behind a gap says how many messages there were when it was written: those in the gap knew no more. */
  #closeGaps(ackSequence: number, nextSequence: number): void {
    if (this.#gaps.length === 0) return
    if (this.#undecided !== undefined) {
      this.#undecided.endsBefore = Math.min(this.#undecided.endsBefore, ackSequence)
      this.#undecided = undefined
    }
    for (const gap of this.#gaps) {
      if (ackSequence < gap.endsBefore || ackSequence >= gap.closedBy) continue
      gap.closedBy = ackSequence
      gap.messagesBelow = Math.min(gap.messagesBelow, nextSequence)
    }
  }

  last(sequence: number): FoldedOutcome | undefined {
    return this.#last.get(sequence)
  }

  /** Whether lost ack bytes behind its last known outcome may have named this message. */
  mayHaveLost(sequence: number, last: FoldedOutcome | undefined): boolean {
    const ackSequence = last?.ackSequence ?? 0
    return this.#gaps.some(gap => sequence < gap.messagesBelow && ackSequence < gap.endsBefore)
  }

  /** No message may be given a lower sequence than this: every lower one was named. */
  get nextMessageSequence(): number {
    return this.#nextMessageSequence
  }

  /** Channels that a dead letter halted and that nobody resumed since. */
  *halts(): Iterable<FoldedHalt> {
    for (const halt of this.#halts.values()) {
      if (halt.ackSequence > (this.#resumes.get(halt.channel) ?? 0)) yield halt
    }
  }

  limits(): Iterable<FoldedLimit> {
    return this.#limits.values()
  }

  /** Ack segments that hold a resume. */
  resumeSegments(): Iterable<number> {
    return this.#resumeSegments
  }

  /** Messages that were settled, in the order in which they were. */
  settled(): FoldedOutcome<SettlingRecord>[] {
    const settled: FoldedOutcome<SettlingRecord>[] = []
    for (const { ackSequence, segment, record } of this.#last.values()) {
      if (isSettling(record)) settled.push({ ackSequence, segment, record })
    }
    return settled.sort((a, b) => a.ackSequence - b.ackSequence)
  }
}

/** A wall clock that was set back or forward neither stalls nor bursts a wait: never longer than it was meant to be. */
export function clampedDue(
  record: { readonly dueAt: number; readonly delayMs: number },
  now: number,
): number {
  return Math.min(record.dueAt, now + record.delayMs)
}
