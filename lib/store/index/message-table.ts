/**
 * The columns of the live messages, indexed by ref: 53 bytes a message, and 54 more for one with an outcome.
 * With the two hash tables (`ref-table.ts`, some 8 bytes each) a waiting message costs about 70 bytes. The
 * name of its channel is kept once; its id, headers and payload are not. Facts that few messages have
 * (errors, a schedule, a redrive, a list that dies together) are in side maps of `message-index.ts`.
 */
import type { DeadReason, DeliveryState, MessageProgress, MessageRef } from '../message-store.js'
import { MIN_PRIORITY } from '../record/message.js'
import { deadReasons } from '../record/outcome-format.js'
import { PAGE_MASK, PAGE_ROWS, PAGE_SHIFT, PagedColumns } from '../tables/paged-columns.js'

/** The values of the column's low bits; 0: the ref is free. */
const STATES = [undefined, 'pending', 'in-doubt', 'sending', 'dead'] as const
const STATE_MASK = 0b111
/** The bits above hold the priority: 0 for the channel's, otherwise counted from 1. */
const PRIORITY_SHIFT = 3
const NO_PRIORITY = MIN_PRIORITY - 1

class MessagePage {
  readonly sequence = new Float64Array(PAGE_ROWS)
  readonly enqueuedAt = new Float64Array(PAGE_ROWS)
  readonly expiresAt = new Float64Array(PAGE_ROWS)
  readonly hashLow = new Uint32Array(PAGE_ROWS)
  readonly hashHigh = new Uint32Array(PAGE_ROWS)
  /** A number of `ChannelNames`; chains the free refs. */
  readonly channel = new Uint32Array(PAGE_ROWS)
  readonly segment = new Uint32Array(PAGE_ROWS)
  readonly offset = new Uint32Array(PAGE_ROWS)
  readonly bytes = new Uint32Array(PAGE_ROWS)
  /** The row of its last outcome plus 1; 0: none. */
  readonly outcome = new Uint32Array(PAGE_ROWS)
  /** Its state and its priority. */
  readonly state = new Uint8Array(PAGE_ROWS)
}

class OutcomePage {
  readonly at = new Float64Array(PAGE_ROWS)
  readonly firstAttemptAt = new Float64Array(PAGE_ROWS)
  readonly triedMs = new Float64Array(PAGE_ROWS)
  readonly dueAt = new Float64Array(PAGE_ROWS)
  /** The ack sequence of its frame, which tells whether that frame is needed. */
  readonly ackSequence = new Float64Array(PAGE_ROWS)
  /** Chains the free rows. */
  readonly attempts = new Uint32Array(PAGE_ROWS)
  /** The ack segment that holds it plus 1; 0: not written yet. */
  readonly ackSegment = new Uint32Array(PAGE_ROWS)
  readonly mayHaveBeenSent = new Uint8Array(PAGE_ROWS)
  /** Index into `deadReasons`. */
  readonly deadReason = new Uint8Array(PAGE_ROWS)
}

/** What a message is added with. */
export interface MessageFacts {
  readonly sequence: number
  readonly enqueuedAt: number
  readonly expiresAt: number
  readonly hashLow: number
  readonly hashHigh: number
  readonly channel: number
  readonly segment: number
  readonly offset: number
  /** Of its record. */
  readonly bytes: number
  readonly priority: number | undefined
}

/** What a message's last outcome says. */
export interface OutcomeFacts {
  readonly at: number
  readonly firstAttemptAt: number
  readonly triedMs: number
  readonly dueAt: number
  readonly attempts: number
  readonly mayHaveBeenSent: boolean
}

export class MessageTable {
  readonly #messages = new PagedColumns(
    () => new MessagePage(),
    page => page.channel,
  )
  readonly #outcomes = new PagedColumns(
    () => new OutcomePage(),
    page => page.attempts,
  )

  /** Messages in the table. */
  get size(): number {
    return this.#messages.size
  }

  add(facts: MessageFacts): MessageRef {
    const ref = this.#messages.allocate() as MessageRef
    const page = this.#messages.pages[ref >>> PAGE_SHIFT]!
    const slot = ref & PAGE_MASK
    page.sequence[slot] = facts.sequence
    page.enqueuedAt[slot] = facts.enqueuedAt
    page.expiresAt[slot] = facts.expiresAt
    page.hashLow[slot] = facts.hashLow
    page.hashHigh[slot] = facts.hashHigh
    page.channel[slot] = facts.channel
    page.segment[slot] = facts.segment
    page.offset[slot] = facts.offset
    page.bytes[slot] = facts.bytes
    page.outcome[slot] = 0
    const { priority = NO_PRIORITY } = facts
    page.state[slot] = STATES.indexOf('pending') | ((priority - NO_PRIORITY) << PRIORITY_SHIFT)
    return ref
  }

  delete(ref: MessageRef): void {
    const page = this.#messages.pages[ref >>> PAGE_SHIFT]!
    const slot = ref & PAGE_MASK
    if (page.outcome[slot] !== 0) this.#outcomes.release(page.outcome[slot]! - 1)
    page.state[slot] = 0
    this.#messages.release(ref)
  }

  setOutcome(ref: MessageRef, facts: OutcomeFacts): void {
    const row = this.#outcomeRow(ref)
    const page = this.#outcomes.pages[row >>> PAGE_SHIFT]!
    const slot = row & PAGE_MASK
    page.at[slot] = facts.at
    page.firstAttemptAt[slot] = facts.firstAttemptAt
    page.triedMs[slot] = facts.triedMs
    page.dueAt[slot] = facts.dueAt
    page.attempts[slot] = facts.attempts
    page.mayHaveBeenSent[slot] = facts.mayHaveBeenSent ? 1 : 0
  }

  #outcomeRow(ref: MessageRef): number {
    const page = this.#messages.pages[ref >>> PAGE_SHIFT]!
    const slot = ref & PAGE_MASK
    const known = page.outcome[slot]!
    if (known !== 0) return known - 1
    const row = this.#outcomes.allocate()
    this.#outcomes.pages[row >>> PAGE_SHIFT]!.ackSegment[row & PAGE_MASK] = 0
    page.outcome[slot] = row + 1
    return row
  }

  /** One column of the last outcome; `none` if there is no outcome. */
  #ofOutcome<K extends keyof OutcomePage>(ref: MessageRef, column: K, none: number): number {
    const row = this.#messages.pages[ref >>> PAGE_SHIFT]!.outcome[ref & PAGE_MASK]!
    return row === 0 ? none : this.#outcomes.pages[(row - 1) >>> PAGE_SHIFT]![column][(row - 1) & PAGE_MASK]!
  }

  sequence(ref: MessageRef): number {
    return this.#messages.pages[ref >>> PAGE_SHIFT]!.sequence[ref & PAGE_MASK]!
  }

  enqueuedAt(ref: MessageRef): number {
    return this.#messages.pages[ref >>> PAGE_SHIFT]!.enqueuedAt[ref & PAGE_MASK]!
  }

  expiresAt(ref: MessageRef): number {
    return this.#messages.pages[ref >>> PAGE_SHIFT]!.expiresAt[ref & PAGE_MASK]!
  }

  setExpiresAt(ref: MessageRef, expiresAt: number): void {
    this.#messages.pages[ref >>> PAGE_SHIFT]!.expiresAt[ref & PAGE_MASK] = expiresAt
  }

  hashLow(ref: MessageRef): number {
    return this.#messages.pages[ref >>> PAGE_SHIFT]!.hashLow[ref & PAGE_MASK]!
  }

  hashHigh(ref: MessageRef): number {
    return this.#messages.pages[ref >>> PAGE_SHIFT]!.hashHigh[ref & PAGE_MASK]!
  }

  setHash(ref: MessageRef, low: number, high: number): void {
    const page = this.#messages.pages[ref >>> PAGE_SHIFT]!
    page.hashLow[ref & PAGE_MASK] = low
    page.hashHigh[ref & PAGE_MASK] = high
  }

  channel(ref: MessageRef): number {
    return this.#messages.pages[ref >>> PAGE_SHIFT]!.channel[ref & PAGE_MASK]!
  }

  segment(ref: MessageRef): number {
    return this.#messages.pages[ref >>> PAGE_SHIFT]!.segment[ref & PAGE_MASK]!
  }

  offset(ref: MessageRef): number {
    return this.#messages.pages[ref >>> PAGE_SHIFT]!.offset[ref & PAGE_MASK]!
  }

  move(ref: MessageRef, segment: number, offset: number): void {
    const page = this.#messages.pages[ref >>> PAGE_SHIFT]!
    page.segment[ref & PAGE_MASK] = segment
    page.offset[ref & PAGE_MASK] = offset
  }

  bytes(ref: MessageRef): number {
    return this.#messages.pages[ref >>> PAGE_SHIFT]!.bytes[ref & PAGE_MASK]!
  }

  isLive(ref: MessageRef): boolean {
    return this.#messages.pages[ref >>> PAGE_SHIFT]!.state[ref & PAGE_MASK] !== 0
  }

  state(ref: MessageRef): DeliveryState {
    const state = STATES[this.#messages.pages[ref >>> PAGE_SHIFT]!.state[ref & PAGE_MASK]! & STATE_MASK]
    if (state === undefined) throw new Error(`Message ref ${ref} was used after its message was settled`)
    return state
  }

  setState(ref: MessageRef, state: DeliveryState): void {
    const column = this.#messages.pages[ref >>> PAGE_SHIFT]!.state
    const slot = ref & PAGE_MASK
    column[slot] = (column[slot]! & ~STATE_MASK) | STATES.indexOf(state)
  }

  /** Undefined: its channel's. */
  priority(ref: MessageRef): number | undefined {
    const priority =
      (this.#messages.pages[ref >>> PAGE_SHIFT]!.state[ref & PAGE_MASK]! >> PRIORITY_SHIFT) + NO_PRIORITY
    return priority === NO_PRIORITY ? undefined : priority
  }

  lastOutcomeAt(ref: MessageRef): number {
    return this.#ofOutcome(ref, 'at', 0)
  }

  /** See `MessageStore`. */
  progress(ref: MessageRef): MessageProgress {
    const message = this.#messages.pages[ref >>> PAGE_SHIFT]!
    const place = ref & PAGE_MASK
    const row = message.outcome[place]! - 1
    const outcome = row === -1 ? undefined : this.#outcomes.pages[row >>> PAGE_SHIFT]!
    const slot = row & PAGE_MASK
    return {
      sequence: message.sequence[place]!,
      state: STATES[message.state[place]! & STATE_MASK]!,
      expiresAt: message.expiresAt[place]!,
      attempts: outcome === undefined ? 0 : outcome.attempts[slot]!,
      firstAttemptAt: outcome === undefined ? 0 : outcome.firstAttemptAt[slot]!,
      triedMs: outcome === undefined ? 0 : outcome.triedMs[slot]!,
      mayHaveBeenSent: outcome !== undefined && outcome.mayHaveBeenSent[slot] === 1,
    }
  }

  dueAt(ref: MessageRef): number {
    return this.#ofOutcome(ref, 'dueAt', 0)
  }

  attempts(ref: MessageRef): number {
    return this.#ofOutcome(ref, 'attempts', 0)
  }

  mayHaveBeenSent(ref: MessageRef): boolean {
    return this.#ofOutcome(ref, 'mayHaveBeenSent', 0) === 1
  }

  /** Of a dead letter. */
  deadReason(ref: MessageRef): DeadReason {
    return deadReasons[this.#ofOutcome(ref, 'deadReason', 0)]!
  }

  setDeadReason(ref: MessageRef, reason: DeadReason): void {
    const row = this.#outcomeRow(ref)
    this.#outcomes.pages[row >>> PAGE_SHIFT]!.deadReason[row & PAGE_MASK] = deadReasons.indexOf(reason)
  }

  /** The ack segment of its last written outcome, if it has one. */
  ackSegment(ref: MessageRef): number | undefined {
    const number = this.#ofOutcome(ref, 'ackSegment', 0)
    return number === 0 ? undefined : number - 1
  }

  /** Of its last written outcome; 0: it has none. */
  ackSequence(ref: MessageRef): number {
    return this.ackSegment(ref) === undefined ? 0 : this.#ofOutcome(ref, 'ackSequence', 0)
  }

  /** Sets where its last outcome was written or moved to. */
  setAck(ref: MessageRef, segment: number, ackSequence: number): void {
    const row = this.#outcomeRow(ref)
    const page = this.#outcomes.pages[row >>> PAGE_SHIFT]!
    page.ackSegment[row & PAGE_MASK] = segment + 1
    page.ackSequence[row & PAGE_MASK] = ackSequence
  }

  /**
   * The earliest time since which a pending or in-doubt message has waited. `waitsSince` is asked only of
   * messages enqueued before the earliest time found so far; undefined: it does not wait.
   */
  oldestPendingAt(
    waitsSince: (ref: MessageRef, enqueuedAt: number) => number | undefined,
  ): number | undefined {
    const pending = STATES.indexOf('pending')
    const inDoubt = STATES.indexOf('in-doubt')
    let oldest: number | undefined
    let first = 0
    for (const { state, enqueuedAt } of this.#messages.pages) {
      for (let slot = 0; slot < PAGE_ROWS; slot += 1) {
        const stands = state[slot]! & STATE_MASK
        if (stands !== pending && stands !== inDoubt) continue
        if (oldest !== undefined && enqueuedAt[slot]! >= oldest) continue
        const since = waitsSince((first + slot) as MessageRef, enqueuedAt[slot]!)
        if (since !== undefined && (oldest === undefined || since < oldest)) oldest = since
      }
      first += PAGE_ROWS
    }
    return oldest
  }

  /** Every live message, in no order. A callback, not an iterator: openings visit millions. */
  each(visit: (ref: MessageRef) => void): void {
    let first = 0
    for (const { state } of this.#messages.pages) {
      for (let slot = 0; slot < PAGE_ROWS; slot += 1) {
        if (state[slot] !== 0) visit((first + slot) as MessageRef)
      }
      first += PAGE_ROWS
    }
  }
}
