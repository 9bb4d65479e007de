/** Records the outcomes of messages: in the index at once, in the ack log as soon as it can be written. */
import { asWaqError, type WaqError } from '../../log/errors/waq-error.js'
import { clearTimeout, setTimeout } from '../../log/runtime/real-time.js'
import type { Log } from '../../log/types.js'
import type { DedupeIndex } from '../dedupe/dedupe-index.js'
import type { MessageIndex } from '../index/message-index.js'
import type { RecordCache } from '../index/record-cache.js'
import type { BatchListener, MessageRef, Outcome, OutcomeListener, RefOutcome } from '../message-store.js'
import { NO_DIGEST } from '../record/digest.js'
import { EnvelopeScan } from '../record/envelope-scan.js'
import { identityOfEncoded, type MessageIdentity } from '../record/message-identity.js'
import {
  type AliveRecord,
  isSettling,
  type OtherRecord,
  type OutcomeRecord,
  type SettlingKind,
  type SettlingRecord,
} from '../record/outcome.js'
import { encodeOutcome } from '../record/outcome-encoder.js'
import { outcomeFormats, SETTLED_FRAME_TYPE } from '../record/outcome-format.js'
import { encodeReplacedBy } from '../record/replaced-by.js'
import type { ResultPlace } from '../record/result.js'
import { SettledBlockWriter } from '../record/settled-block-writer.js'
import type { SegmentUsage } from '../usage/segment-usage.js'
import type { SettlementWatch } from '../usage/settlement-watch.js'
import { BatchRecording } from './batch-recording.js'
import { DeliveryRecording } from './delivery-recording.js'
import { InFlight } from './in-flight.js'
import { Recording, type RecordingOwner } from './recording.js'

export interface OutcomeRecorderParts {
  readonly acks: Log
  readonly messages: Log
  readonly index: MessageIndex
  readonly cache: RecordCache
  readonly dedupe: DedupeIndex
  readonly usage: SegmentUsage
  readonly halts: ChannelHalts
  readonly watch: SettlementWatch
  readonly now: () => number
  /** Reads the identity of a live message. */
  readonly readIdentity: (ref: MessageRef) => Promise<MessageIdentity | undefined>
  /**
   * A segment may have become free: a message segment has no live message left, or an ack segment was sealed.
   */
  readonly mayBeFree: () => void
  /** Messages are now written to this segment, so it is not free, whatever is settled. */
  readonly isWritingTo: (segment: number) => boolean
  /** A message was settled or became dead without an attempt marked in the log. */
  readonly leftUnattempted: () => void
  readonly onError: (error: WaqError) => void
  /** Why nothing can be recorded; undefined while it can. */
  readonly refusal: () => WaqError | undefined
}

/** Channels halted by a dead letter, with the ack segment that records it. */
export type ChannelHalts = Map<string, ChannelHalt>

export interface ChannelHalt {
  /** Epoch ms. */
  readonly since: number
  /** Compaction moves it. */
  segment: number
  readonly ackSequence: number
}

/** After this many bytes of settled messages it asks for compaction. */
const ASK_AFTER_BYTES = 1024 * 1024
/** The same as a number of messages: small messages have outcomes as large as any. */
const ASK_AFTER_MESSAGES = 1024

/** How often a log that has not written yet is asked whether it cannot. */
const WRITE_POLL_MS = 100

type Settling = Extract<Outcome, { kind: SettlingKind }>
type Alive = Exclude<Outcome, Settling>

export class OutcomeRecorder implements RecordingOwner {
  readonly inFlight = new InFlight<Recording>()
  readonly #parts: OutcomeRecorderParts
  readonly #block = new SettledBlockWriter()
  readonly #scan = new EnvelopeScan()
  /** Resolves when every id that a settling outcome has waited for so far has been read. */
  #allRead: Promise<void> = Promise.resolve()
  #syncing: Promise<void> = Promise.resolve()
  /** A sync that has not begun; callers that ask meanwhile share it. */
  #nextSync: Promise<void> | undefined
  #segment = -1
  /** Counted since compaction was last asked for. */
  #settledBytes = 0
  #settledMessages = 0

  constructor(parts: OutcomeRecorderParts) {
    this.#parts = parts
  }

  record(ref: MessageRef, outcome: Outcome, listener?: OutcomeListener): Recording {
    const { index, leftUnattempted } = this.#parts
    const settles = isSettling<Outcome>(outcome)
    if ((settles || outcome.kind === 'dead') && index.table.state(ref) !== 'sending') leftUnattempted()
    index.apply(ref, outcome)
    return settles ? this.#recordSettling(ref, outcome, listener) : this.#recordAlive(ref, outcome, listener)
  }

  /**
   * Records outcomes of one kind for different messages: a crash leaves all of them or none. The promises of
   * `record` hold for each.
   */
  recordAll(batch: readonly RefOutcome[], listener?: BatchListener): void {
    const { index, leftUnattempted } = this.#parts
    for (const { ref, outcome } of batch) {
      const isOver = isSettling<Outcome>(outcome) || outcome.kind === 'dead'
      if (isOver && index.table.state(ref) !== 'sending') leftUnattempted()
      index.apply(ref, outcome)
    }
    if (!batch.every(({ outcome }) => isSettling<Outcome>(outcome))) {
      this.#recordAllAlive(batch, listener)
      return
    }
    const settling = batch as readonly { ref: MessageRef; outcome: Settling }[]
    const reading = this.#identities(settling).then(identities =>
      this.#recordAllSettling(settling, identities, listener),
    )
    this.#allRead = this.#allRead.then(() => reading)
  }

  #recordAllAlive(batch: readonly RefOutcome[], listener: BatchListener | undefined): void {
    const { index, usage } = this.#parts
    const { table } = index
    const recording = new BatchRecording(
      this.#batches,
      batch.length,
      segment => {
        for (const [i, { ref }] of batch.entries()) {
          usage.outcomeWritten(table.segment(ref), table.ackSegment(ref), segment)
          table.setAck(ref, segment, recording.firstSequence + i)
        }
      },
      listener,
    )
    const records = batch.map(({ ref, outcome }) => this.#aliveRecord(ref, outcome as Alive))
    this.#append(this.#parts.acks, recording, records[0]!, records)
  }

  #recordAllSettling(
    batch: readonly { readonly ref: MessageRef; readonly outcome: Settling }[],
    identities: readonly (MessageIdentity | undefined)[],
    listener: BatchListener | undefined,
  ): void {
    const { index, cache } = this.#parts
    const recording = new BatchRecording(
      this.#batches,
      batch.length,
      segment => {
        for (const [i, { ref, outcome }] of batch.entries())
          this.#settle(ref, outcome, identities[i], segment)
      },
      listener,
    )
    recording.settled = batch.map(({ ref }) => ref)
    recording.ids = identities.map(identity => identity?.id ?? '')
    for (const { ref } of batch) cache.delete(index.table.sequence(ref))
    const records = batch.map(({ ref, outcome }, i) => this.#settlingRecord(ref, outcome, identities[i]))
    this.#append(this.#parts.acks, recording, records[0]!, records)
  }

  #identities(batch: readonly RefOutcome[]): Promise<(MessageIdentity | undefined)[]> {
    return Promise.all(batch.map(({ ref }) => this.#readForSettling(ref)))
  }

  /** Handles batches, as the recorder's own methods handle single outcomes. */
  readonly #batches: RecordingOwner<BatchRecording> = {
    written: batch => {
      for (const ref of batch.settled) this.#parts.index.leave(ref)
      this.#parts.index.deferred.lag(batch)
    },
    account: batch => {
      const { usage, mayBeFree } = this.#parts
      const { segment, encodedAll, settled } = batch
      this.inFlight.delete(batch)
      for (const { length } of encodedAll) {
        if (settled.length > 0) usage.blockAdded(segment, 1, length)
        else usage.frameAdded(segment, length)
      }
      if (segment !== this.#segment) mayBeFree()
      this.#segment = segment
    },
    copied: (batch, segment) => this.copied(batch, segment),
    refused: batch => this.refused(batch),
  }

  #recordAlive(ref: MessageRef, outcome: Alive, listener: OutcomeListener | undefined): Recording {
    const { index, usage, halts, acks } = this.#parts
    const { table } = index
    // As in the record: until that is written, the channel may get another name.
    const halted = outcome.kind === 'dead' && outcome.haltsChannel ? index.channel(ref) : undefined
    const recording = new Recording(
      this,
      segment => {
        usage.outcomeWritten(table.segment(ref), table.ackSegment(ref), segment)
        table.setAck(ref, segment, recording.firstSequence)
        if (outcome.kind === 'rate-limited') usage.limitAdded(segment, outcome.dueAt)
        if (halted !== undefined) {
          const earlier = halts.get(halted)
          if (earlier !== undefined) usage.haltEnded(earlier.segment)
          halts.set(halted, { since: outcome.at, segment, ackSequence: recording.firstSequence })
          usage.haltAdded(segment)
        }
      },
      listener,
    )
    return this.#append(acks, recording, this.#aliveRecord(ref, outcome))
  }

  #aliveRecord(ref: MessageRef, outcome: Alive): AliveRecord {
    const { index, messages } = this.#parts
    const alive = {
      kind: outcome.kind,
      sequence: index.table.sequence(ref),
      nextSequence: messages.nextSequence,
      at: outcome.at,
      attempts: outcome.attempts,
      firstAttemptAt: outcome.firstAttemptAt,
      mayHaveBeenSent: outcome.mayHaveBeenSent,
      triedMs: outcome.triedMs,
      errors: index.errors(ref),
      redrive: index.redrive(ref),
    }
    switch (outcome.kind) {
      case 'retry':
        return { ...alive, kind: outcome.kind, dueAt: outcome.dueAt }
      case 'rate-limited': {
        const { kind, dueAt, scope, target } = outcome
        return { ...alive, kind, dueAt, scope, target }
      }
      case 'dead': {
        const halts = outcome.haltsChannel ? index.channel(ref) : undefined
        return { ...alive, kind: outcome.kind, reason: outcome.reason, halts }
      }
      default:
        // Not a copy: for most messages it is the only reference that is kept.
        return alive as AliveRecord
    }
  }

  /** Writing it needs the id, channel and digest; if the record is not in memory, it is read first. */
  #recordSettling(ref: MessageRef, outcome: Settling, listener: OutcomeListener | undefined): Recording {
    const { index, cache, dedupe, acks } = this.#parts
    const sequence = index.table.sequence(ref)
    let identity: MessageIdentity | undefined
    const recording =
      outcome.kind === 'delivered' && outcome.result !== undefined && dedupe.remembersResults
        ? this.#withResult(ref, outcome, outcome.result, listener)
        : new Recording(this, segment => this.#settle(ref, outcome, identity, segment), listener)
    recording.settles = ref
    const append = (known: MessageIdentity | undefined): void => {
      identity = known
      if (recording instanceof DeliveryRecording) recording.identity = known
      // No one will read it again.
      cache.delete(sequence)
      this.#append(acks, recording, this.#settlingRecord(ref, outcome, known))
    }
    if (outcome.kind === 'replaced') {
      append(outcome.identity)
      return recording
    }
    const latest = cache.latest(sequence)
    if (latest !== undefined) {
      append(identityOfEncoded(latest))
      return recording
    }
    const cached = cache.get(sequence)
    if (cached !== undefined) {
      append(this.#scan.identity(cached, `the record of message ${sequence}`))
      return recording
    }
    const reading = this.#readForSettling(ref).then(append)
    this.#allRead = this.#allRead.then(() => reading)
    return recording
  }

  #withResult(
    ref: MessageRef,
    outcome: Settling,
    result: Uint8Array,
    listener: OutcomeListener | undefined,
  ): DeliveryRecording {
    const recording: DeliveryRecording = new DeliveryRecording(
      this,
      segment => this.#settle(ref, outcome, recording.identity, segment, recording.resultPlace),
      listener,
      this.#parts.index.table.sequence(ref),
      result,
    )
    return recording
  }

  /** A message that cannot be read is settled all the same, but its id is not remembered. */
  async #readForSettling(ref: MessageRef): Promise<MessageIdentity | undefined> {
    const { readIdentity, onError, index } = this.#parts
    try {
      return await readIdentity(ref)
    } catch (error) {
      onError(
        asWaqError(
          error,
          `Message ${index.table.sequence(ref)} was settled, but its id could not be read, so a duplicate ` +
            'of it would be sent',
        ),
      )
      return undefined
    }
  }

  #settlingRecord(ref: MessageRef, outcome: Settling, identity: MessageIdentity | undefined): SettlingRecord {
    const { index, messages } = this.#parts
    return {
      kind: outcome.kind,
      sequence: index.table.sequence(ref),
      nextSequence: messages.nextSequence,
      at: outcome.at,
      attempts: outcome.attempts,
      mayHaveBeenSent: outcome.mayHaveBeenSent,
      id: identity?.id ?? '',
      channel: index.channel(ref),
      digest: identity?.digest ?? NO_DIGEST,
      ...(outcome.kind === 'replaced' && { optional: encodeReplacedBy(outcome.by) }),
    }
  }

  /** The outcome is written: removes the message, remembers its id. */
  #settle(
    ref: MessageRef,
    outcome: Settling,
    identity: MessageIdentity | undefined,
    segment: number,
    result?: ResultPlace,
  ): void {
    const { index, dedupe, usage, watch, now, mayBeFree, isWritingTo } = this.#parts
    const { table } = index
    const sequence = table.sequence(ref)
    const messageSegment = table.segment(ref)
    usage.outcomeWritten(messageSegment, table.ackSegment(ref), segment)
    if (identity !== undefined) {
      const { kind: state, attempts, at } = outcome
      const { id, digest } = identity
      const channel = index.channel(ref)
      usage.settledIdAdded(segment)
      if (result !== undefined) usage.resultAdded(segment, result.bytes)
      dedupe.add({ id, channel, digest, sequence, state, attempts, at, segment, result }, now())
    }
    const wasLast = usage.messageSettled(messageSegment, table.bytes(ref))
    watch.settled(sequence, messageSegment, segment)
    this.#settledBytes += table.bytes(ref)
    this.#settledMessages += 1
    index.delete(ref)
    // A queue that is empty after each message would ask each time: the active segment waits until it is
    // sealed.
    const mayLeave = wasLast && !isWritingTo(messageSegment)
    const isMuch = this.#settledBytes >= ASK_AFTER_BYTES || this.#settledMessages >= ASK_AFTER_MESSAGES
    if (!mayLeave && !isMuch) return
    this.#settledBytes = 0
    this.#settledMessages = 0
    mayBeFree()
  }

  recordResumed(channel: string, at: number, listener?: OutcomeListener): Recording {
    const { acks, messages, usage, halts } = this.#parts
    const recording = new Recording(
      this,
      segment => {
        usage.resumeAdded(segment)
        const halt = halts.get(channel)
        if (halt === undefined) return
        halts.delete(channel)
        usage.haltEnded(halt.segment)
      },
      listener,
    )
    return this.#append(acks, recording, {
      kind: 'resumed',
      nextSequence: messages.nextSequence,
      at,
      channel,
    })
  }

  /** Records an outcome that belongs to no message. Returns its ack sequence; `written` gets its segment. */
  recordOther(record: OtherRecord, written: (segment: number) => void, listener?: OutcomeListener): number {
    return this.#append(this.#parts.acks, new Recording(this, written, listener), record).firstSequence
  }

  /** As `recordOther`, of several of one kind: a crash leaves all of them or none. */
  recordAllOther(records: readonly OtherRecord[], written: (segment: number) => void): number {
    const recording = new BatchRecording(this.#batches, records.length, written, undefined)
    return this.#append(this.#parts.acks, recording, records[0]!, records).firstSequence
  }

  /** `all`: the records of a batch, of one kind, whose first is `record`. */
  #append(
    acks: Log,
    recording: Recording | BatchRecording,
    record: OutcomeRecord,
    all?: readonly OutcomeRecord[],
  ): Recording {
    const refusal = this.#parts.refusal()
    recording.firstSequence = acks.nextSequence
    this.inFlight.add(recording)
    if (refusal !== undefined) {
      recording.failed(refusal)
      return recording
    }
    try {
      const settles = isSettling(record)
      recording.type = settles ? SETTLED_FRAME_TYPE : outcomeFormats[record.kind].frameType
      if (recording instanceof BatchRecording)
        recording.encodedAll = all!.map(each =>
          isSettling(each) ? this.#block.encode(each) : encodeOutcome(each),
        )
      else recording.encoded = settles ? this.#block.encode(record) : encodeOutcome(record)
      acks.append(recording)
    } catch (error) {
      recording.failed(error as Error)
    }
    return recording
  }

  written(recording: Recording): void {
    const { index } = this.#parts
    if (recording.settles !== undefined) index.leave(recording.settles)
    index.deferred.lag(recording)
  }

  account(recording: Recording): void {
    this.inFlight.delete(recording)
    const { usage } = this.#parts
    const { segment, encoded } = recording
    if (recording.settles !== undefined) usage.blockAdded(segment, 1, encoded.length)
    else usage.frameAdded(segment, encoded.length)
    if (recording instanceof DeliveryRecording) usage.resultFrameAdded(segment, recording.result.length)
    if (segment === this.#segment) return
    this.#segment = segment
    this.#parts.mayBeFree()
  }

  copied(recording: Recording, segment: number): void {
    const { index, dedupe, usage } = this.#parts
    index.deferred.apply()
    usage.outcomeCopied(recording.segment, segment)
    if (!(recording instanceof DeliveryRecording) || recording.identity === undefined) return
    // The first copy is cut off, so the result must be read from the second: the id moves with it.
    const { sequence, identity, resultPlace } = recording
    const place = { segment, resultOffset: resultPlace.offset }
    const left = dedupe.moveById(identity.id, sequence, place)
    if (left !== undefined) usage.settledMoved(left, segment)
  }

  refused(recording: Recording): void {
    this.inFlight.delete(recording)
  }

  /**
   * Resolves when everything recorded so far is on the device; rejects if the log does, or says that it
   * cannot write. However many callers ask at once, there are at most two syncs: the running one, and one
   * that covers everything recorded since.
   */
  sync(): Promise<void> {
    this.#nextSync ??= this.#syncing.then(() => {
      this.#nextSync = undefined
      const sync = this.#sync()
      this.#syncing = sync.catch(() => {})
      return sync
    })
    return this.#nextSync
  }

  async #sync(): Promise<void> {
    await this.handedOver()
    const { acks } = this.#parts
    const last = this.inFlight.last
    if (last !== undefined) {
      while (!(await settlesWithin(last.written, WRITE_POLL_MS))) {
        // A log that retains unwritten appends says so only when asked.
        await acks.commit()
      }
    }
    await acks.commit()
  }

  /** Resolves when everything recorded so far was handed to the log. */
  handedOver(): Promise<void> {
    return this.#allRead
  }
}

/** Whether the promise resolved in time; rejects if the promise does. */
async function settlesWithin(promise: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<boolean>(resolve => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([promise.then(() => true), timeout])
  } finally {
    clearTimeout(timer)
  }
}
