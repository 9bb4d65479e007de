/** The live messages and their states: what the two logs fold to, without payloads. */

import { brokenInvariant } from '../../log/errors/broken-invariant.js'
import type { FoldedOutcome } from '../fold/fold.js'
import type { RecoveryRow } from '../fold/recovery-table.js'
import type { DeliveryState, MessageRef, Outcome, RecordedError } from '../message-store.js'
import type { QueueTime } from '../queue-time.js'
import type { EnvelopeScan } from '../record/envelope-scan.js'
import type { Envelope, Indexed } from '../record/message.js'
import type { Redrive } from '../record/outcome.js'
import { HISTORY_LENGTH } from '../record/outcome-format.js'
import { hashId, type IdHash } from '../tables/id-hash.js'
import { RefTable } from '../tables/ref-table.js'
import { SequenceTable } from '../tables/sequence-table.js'
import { ChannelNames } from './channel-names.js'
import { DeferredUpdates } from './deferred-updates.js'
import { MessageTable } from './message-table.js'
import { ReplacingMessages } from './replacing-messages.js'

/** The most messages outside the hash table: a look-up compares them one by one. */
const MAX_UNLISTED = 64

export class MessageIndex {
  readonly table = new MessageTable()
  /** Applied first by every look-up that is not by ref. */
  readonly deferred: DeferredUpdates
  /**
   * Messages not looked up since they were added, with their ids: they are not in the tables of ids and
   * sequences yet. Most are sent and gone before a look-up. Two arrays, not a `Map`: see `in-flight.ts`.
   */
  readonly #unlisted: MessageRef[] = []
  readonly #unlistedIds: string[] = []
  readonly channels = new ChannelNames()
  readonly #ids = new RefTable(ref => this.table.hashLow(ref))
  readonly #sequences = new SequenceTable()
  // Facts that few messages have. A look into an empty Map costs as much as one into a full one, so code that
  // runs for each message checks the size first.
  /** Below 0: delayed. */
  readonly #deliverAt = new Map<MessageRef, number>()
  readonly #together = new Map<MessageRef, { readonly firstSequence: number; readonly count: number }>()
  readonly #errors = new Map<MessageRef, readonly RecordedError[]>()
  readonly #redrives = new Map<MessageRef, Redrive>()
  readonly replacing = new ReplacingMessages()
  /** The number of messages with a priority of their own. An object, to be read without a call. */
  readonly prioritized = { count: 0 }
  readonly #counts: Record<DeliveryState, number> = { pending: 0, 'in-doubt': 0, sending: 0, dead: 0 }
  #pendingBytes = 0
  /** The highest sequence that was ever in the index. */
  #highest = 0

  constructor(deferred = new DeferredUpdates()) {
    this.deferred = deferred
  }

  /** Adds a message as pending and never attempted, with the place of its frame; `bytes`: of its record. */
  add(
    sequence: number,
    message: Indexed,
    together: Envelope['together'],
    segment: number,
    offset: number,
    bytes: number,
  ): MessageRef {
    const channel = this.channels.acquire(message.channel)
    const ref = this.#add(sequence, message, together, channel, 0, 0, segment, offset, bytes)
    this.#unlistedIds.push(message.id)
    if (this.#unlisted.push(ref) >= MAX_UNLISTED) this.#list()
    return ref
  }

  /** As `add`, for a record that an opening scanned. No id is found until `scanned` is called. */
  addScanned(
    sequence: number,
    scan: EnvelopeScan,
    segment: number,
    offset: number,
    bytes: number,
  ): MessageRef {
    const channel = this.channels.acquireScanned(scan.channel, scan.channelPlace)
    const { together, hashLow, hashHigh } = scan
    const ref = this.#add(sequence, scan, together, channel, hashLow, hashHigh, segment, offset, bytes)
    this.#sequences.add(sequence, ref)
    return ref
  }

  /** All of an opening's messages were added. */
  scanned(): void {
    this.channels.scanned()
    const refs = new Uint32Array(this.table.size)
    let count = 0
    this.table.each(ref => {
      refs[count] = ref
      count += 1
    })
    this.#ids.addAll(refs)
  }

  #add(
    sequence: number,
    message: Indexed,
    together: Envelope['together'],
    channel: number,
    hashLow: number,
    hashHigh: number,
    segment: number,
    offset: number,
    bytes: number,
  ): MessageRef {
    const { enqueuedAt, expiresAt, priority } = message
    const ref = this.table.add({
      sequence,
      enqueuedAt,
      expiresAt,
      hashLow,
      hashHigh,
      channel,
      segment,
      offset,
      bytes,
      priority,
    })
    if (priority !== undefined) this.prioritized.count += 1
    if (sequence > this.#highest) this.#highest = sequence
    const { deliverAt } = message
    if (deliverAt !== 0) this.#deliverAt.set(ref, message.delayed ? -deliverAt : deliverAt)
    if (message.replaces !== undefined)
      this.replacing.enter(ref, this.channels.name(channel), sequence, message.replaces)
    if (together !== undefined) {
      const { index, count } = together
      this.#together.set(ref, { firstSequence: sequence - index, count })
    }
    this.#counts.pending += 1
    this.#pendingBytes += bytes
    return ref
  }

  #list(): void {
    for (const [at, ref] of this.#unlisted.entries()) {
      const { low, high } = hashId(this.#unlistedIds[at]!)
      this.table.setHash(ref, low, high)
      this.#ids.add(ref, low)
      this.#sequences.add(this.table.sequence(ref), ref)
    }
    this.#unlisted.length = 0
    this.#unlistedIds.length = 0
  }

  /** The message was settled and no longer counts. `delete` follows, before any look-up. */
  leave(ref: MessageRef): void {
    const state = this.table.state(ref)
    if (this.#counts[state] === 0) throw brokenInvariant(`a message leaves, and none is ${state}`)
    this.#counts[state] -= 1
    if (state !== 'dead') this.#pendingBytes -= this.table.bytes(ref)
  }

  /** Frees the ref of a message that left. */
  delete(ref: MessageRef): void {
    const at = this.#unlisted.indexOf(ref)
    if (at !== -1) {
      this.#unlisted[at] = this.#unlisted.at(-1)!
      this.#unlisted.length -= 1
      this.#unlistedIds[at] = this.#unlistedIds.at(-1)!
      this.#unlistedIds.length -= 1
    } else {
      this.#ids.delete(ref, this.table.hashLow(ref))
      this.#sequences.delete(this.table.sequence(ref))
    }
    this.channels.release(this.table.channel(ref))
    if (this.prioritized.count > 0 && this.table.priority(ref) !== undefined) this.prioritized.count -= 1
    this.#deliverAt.delete(ref)
    this.#together.delete(ref)
    this.#errors.delete(ref)
    this.#redrives.delete(ref)
    if (this.replacing.size > 0) this.replacing.delete(ref)
    this.table.delete(ref)
  }

  /**
   * Applies an outcome at once. A settling one changes nothing yet: until it is written, the message counts
   * as before.
   */
  apply(ref: MessageRef, outcome: Outcome): void {
    switch (outcome.kind) {
      case 'delivered':
      case 'cancelled':
      case 'purged':
      case 'replaced':
        return
      case 'attempt':
        this.#stand(ref, 'sending')
        break
      case 'interrupted':
        this.#stand(ref, 'in-doubt')
        break
      case 'retry':
      case 'rate-limited':
      case 'released':
        this.#stand(ref, 'pending')
        if (outcome.error !== undefined) this.#addError(ref, outcome.error)
        break
      case 'dead':
        this.#stand(ref, 'dead')
        this.table.setDeadReason(ref, outcome.reason)
        if (outcome.error !== undefined) this.#addError(ref, outcome.error)
        break
      case 'redriven': {
        const { orderKey, expiresAt } = outcome
        this.#stand(ref, 'pending')
        this.#redrives.set(ref, { orderKey, expiresAt })
        this.table.setExpiresAt(ref, expiresAt)
        break
      }
    }
    const { at, attempts, firstAttemptAt, triedMs, mayHaveBeenSent } = outcome
    const dueAt = 'dueAt' in outcome ? outcome.dueAt : 0
    this.table.setOutcome(ref, { at, attempts, firstAttemptAt, triedMs, mayHaveBeenSent, dueAt })
  }

  /** After an opening: sets a message's state from its last outcome and its row of the recovery table. */
  restore(ref: MessageRef, last: FoldedOutcome | undefined, row: RecoveryRow): void {
    if (row.state === 'settled' || row.state === 'settled earlier') {
      throw new Error('A settled message does not stand in the index')
    }
    this.#stand(ref, row.state)
    const record = last?.record
    if (record === undefined) {
      if (row.mayHaveBeenSent === 'yes') {
        this.table.setOutcome(ref, { ...noProgress, mayHaveBeenSent: true })
      }
      return
    }
    this.table.setOutcome(ref, {
      at: record.at,
      attempts: record.attempts,
      firstAttemptAt: record.firstAttemptAt,
      triedMs: record.triedMs,
      dueAt: row.due === 'kept' && 'dueAt' in record ? record.dueAt : 0,
      mayHaveBeenSent: row.mayHaveBeenSent === 'yes' || record.mayHaveBeenSent,
    })
    if ('errors' in record && record.errors.length > 0) this.#errors.set(ref, record.errors)
    if ('redrive' in record && record.redrive !== undefined) {
      this.#redrives.set(ref, record.redrive)
      this.table.setExpiresAt(ref, record.redrive.expiresAt)
    }
    if (record.kind === 'dead') this.table.setDeadReason(ref, record.reason)
  }

  #stand(ref: MessageRef, state: DeliveryState): void {
    const before = this.table.state(ref)
    if (before === state) return
    this.#counts[before] -= 1
    this.#counts[state] += 1
    if (before === 'dead') this.#pendingBytes += this.table.bytes(ref)
    if (state === 'dead') this.#pendingBytes -= this.table.bytes(ref)
    this.table.setState(ref, state)
  }

  #addError(ref: MessageRef, error: RecordedError): void {
    const errors = [...this.errors(ref), error]
    this.#errors.set(ref, errors.slice(-HISTORY_LENGTH))
  }

  /**
   * Live messages whose id may be this one: their hashes are equal. Ids are not in memory, so the caller
   * verifies.
   */
  candidates(id: string): readonly MessageRef[] {
    this.deferred.apply()
    const hash: IdHash = hashId(id)
    // Made at its final length: an array that is first pushed to has room for 17.
    let refs: MessageRef[] | undefined
    for (const [at, ref] of this.#unlisted.entries())
      if (this.#unlistedIds[at] === id) refs = refs === undefined ? [ref] : [...refs, ref]
    this.#ids.find(hash.low, ref => {
      if (this.table.hashLow(ref) !== hash.low || this.table.hashHigh(ref) !== hash.high) return false
      refs = refs === undefined ? [ref] : [...refs, ref]
      return false
    })
    return refs ?? noRefs
  }

  bySequence(sequence: number): MessageRef | undefined {
    this.deferred.apply()
    // Nearly every message that an opening reads is new.
    if (sequence > this.#highest) return undefined
    if (this.#unlisted.length > 0) this.#list()
    return this.#sequences.find(sequence)
  }

  /** By sequence; a snapshot that skips messages settled meanwhile. */
  live(): Iterable<MessageRef> {
    this.deferred.apply()
    const refs = new Uint32Array(this.table.size)
    const sequences = new Float64Array(refs.length)
    let count = 0
    let ascending = true
    this.table.each(ref => {
      refs[count] = ref
      sequences[count] = this.table.sequence(ref)
      if (count > 0 && sequences[count]! < sequences[count - 1]!) ascending = false
      count += 1
    })
    // The case after every opening: refs were given in log order.
    if (ascending) return new LiveRefs(this.table, refs, sequences)
    return this.#liveBySequence(sequences.sort())
  }

  *#liveBySequence(sequences: Float64Array): Iterable<MessageRef> {
    for (const sequence of sequences) {
      const ref = this.bySequence(sequence)
      if (ref !== undefined) yield ref
    }
  }

  /** Its present name. */
  channel(ref: MessageRef): string {
    return this.channels.name(this.table.channel(ref))
  }

  orderKey(ref: MessageRef): number {
    if (this.#redrives.size > 0) {
      const redrive = this.#redrives.get(ref)
      if (redrive !== undefined) return redrive.orderKey
    }
    return this.replacing.size > 0 ? this.originalOrderKey(ref) : this.table.sequence(ref)
  }

  /** See `MessageStore`. */
  originalOrderKey(ref: MessageRef): number {
    return this.replacing.find(ref)?.orderKey ?? this.table.sequence(ref)
  }

  /** The highest sequence that was ever in the index; what is known to be written is put there first. */
  get highest(): number {
    this.deferred.apply()
    return this.#highest
  }

  /** The channel has another name from now on. Returns the names that lead there. */
  moveChannel(from: string, to: string): string[] {
    const names = [from, ...this.channels.former(from)]
    for (const name of names) this.channels.move(name, to)
    this.replacing.move(from, to)
    return names
  }

  redrive(ref: MessageRef): Redrive | undefined {
    return this.#redrives.get(ref)
  }

  deliverAt(ref: MessageRef): number {
    return Math.abs(this.#signedDeliverAt(ref))
  }

  isDelayed(ref: MessageRef): boolean {
    return this.#signedDeliverAt(ref) < 0
  }

  #signedDeliverAt(ref: MessageRef): number {
    return this.#deliverAt.size === 0 ? 0 : (this.#deliverAt.get(ref) ?? 0)
  }

  /** See `MessageStore`. */
  appointmentCame(ref: MessageRef, at: number): void {
    const expiresAt = this.table.expiresAt(ref)
    if (expiresAt === Infinity || this.#redrives.has(ref)) return
    const deliverAt = this.deliverAt(ref)
    // However the wall clock was set since: an appointment does not come before it was made.
    const cameAt = Math.max(at, Math.min(deliverAt, this.table.enqueuedAt(ref)))
    this.table.setExpiresAt(ref, cameAt + (expiresAt - deliverAt))
  }

  /** How many waiting messages are past their time to live. */
  countExpired(time: QueueTime): number {
    this.deferred.apply()
    const now = time.now()
    let count = 0
    this.table.each(ref => {
      if (this.table.state(ref) === 'dead') return
      const expiresAt = this.table.expiresAt(ref)
      const isAppointment = this.#signedDeliverAt(ref) > 0 && !this.#redrives.has(ref)
      if ((isAppointment ? time.ofWall(expiresAt) : expiresAt) <= now) count += 1
    })
    return count
  }

  /** When a message is due, in the queue's time; 0: at once. */
  #dueAt(ref: MessageRef, time: QueueTime): number {
    const deliverAt = this.deliverAt(ref)
    return deliverAt === 0 || this.isDelayed(ref) ? deliverAt : time.ofWall(deliverAt)
  }

  together(ref: MessageRef): { firstSequence: number; count: number } | undefined {
    return this.#together.get(ref)
  }

  /** The last few errors, oldest first. */
  errors(ref: MessageRef): readonly RecordedError[] {
    return this.#errors.get(ref) ?? noErrors
  }

  counts(): Readonly<Record<DeliveryState, number>> {
    this.deferred.applyDue()
    return this.#counts
  }

  /** Bytes of records, without those of dead letters. */
  get pendingBytes(): number {
    this.deferred.applyDue()
    return this.#pendingBytes
  }

  /**
   * Since when the oldest due message has waited, in the queue's time; undefined: none waits. `isPaused`:
   * channels that do not count.
   */
  oldestPendingAt(time: QueueTime, isPaused?: (channel: string) => boolean): number | undefined {
    this.deferred.apply()
    const now = time.now()
    return this.table.oldestPendingAt((ref, enqueuedAt) => {
      const dueAt = this.#dueAt(ref, time)
      return dueAt > now || isPaused?.(this.channel(ref)) ? undefined : Math.max(enqueuedAt, dueAt)
    })
  }
}

/** Skips refs that no longer belong to the given sequences. Not a generator: an opening visits millions. */
class LiveRefs implements Iterable<MessageRef>, Iterator<MessageRef, undefined> {
  readonly #table: MessageTable
  readonly #refs: Uint32Array
  readonly #sequences: Float64Array
  #next = 0

  constructor(table: MessageTable, refs: Uint32Array, sequences: Float64Array) {
    this.#table = table
    this.#refs = refs
    this.#sequences = sequences
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<MessageRef, undefined> {
    while (this.#next < this.#refs.length) {
      const at = this.#next
      this.#next += 1
      const ref = this.#refs[at] as MessageRef
      if (this.#table.isLive(ref) && this.#table.sequence(ref) === this.#sequences[at])
        return { done: false, value: ref }
    }
    return { done: true, value: undefined }
  }
}

const noRefs: readonly MessageRef[] = []
const noErrors: readonly RecordedError[] = []
const noProgress = { at: 0, attempts: 0, firstAttemptAt: 0, triedMs: 0, dueAt: 0 }
