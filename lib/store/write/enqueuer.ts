/** Puts messages into the message log, each id once. */
import { asWaqError, WaqError } from '../../log/errors/waq-error.js'
import { FRAME_HEADER_BYTES } from '../../log/format/format.js'
import type { KeepAlive } from '../../log/runtime/keep-alive.js'
import type { Log } from '../../log/types.js'
import { AbortError, abortable } from '../abort-error.js'
import type { MessageRef } from '../message-store.js'
import { type EncodedMessage, placeInList } from '../record/message.js'
import type { MessageIdentity } from '../record/message-identity.js'
import type { Enqueued, StoreEnqueueOptions } from '../types.js'
import type { SegmentUsage } from '../usage/segment-usage.js'
import { type Answer, Appending, type AppendingOwner, asTheyAre } from './appending.js'
import { ChannelOrder } from './channel-order.js'
import { type DuplicateSources, decideDuplicates, type ListPosition } from './duplicates.js'
import { InFlight } from './in-flight.js'
import type { Replacements } from './replacements.js'

export interface EnqueuerParts {
  readonly keepAlive: KeepAlive
  readonly log: Log
  readonly sources: Omit<DuplicateSources, 'beingWritten'>
  readonly usage: SegmentUsage
  readonly replacements: Replacements
  /** Reads the identity of a live message; undefined if it was settled meanwhile. */
  readonly readIdentity: (ref: MessageRef) => Promise<MessageIdentity | undefined>
  /** A newly durable message. */
  readonly appended: (ref: MessageRef) => void
  /** A new segment is being written: its predecessor is sealed, and may be free. */
  readonly segmentBegun: () => void
  /** Why nothing can be enqueued; undefined while it can. */
  readonly refusal: () => WaqError | undefined
}

/** The settlers of the last promise made: a closure for each would cost 150 bytes a message. */
const settlers = { resolve: (_: unknown): void => {}, reject: (_: unknown): void => {} }
function keepSettlers(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  settlers.resolve = resolve
  settlers.reject = reject
}

export class Enqueuer implements AppendingOwner {
  readonly inFlight = new InFlight<Appending>()
  readonly #parts: EnqueuerParts
  /** By given id. */
  readonly #beingWritten = new Map<string, Appending>()
  readonly #sources: DuplicateSources
  readonly #order = new ChannelOrder()
  /** The segment of the latest message; -1: none, or it was sealed since. */
  #segment = -1

  constructor(parts: EnqueuerParts) {
    this.#parts = parts
    this.#sources = { ...parts.sources, beingWritten: this.#beingWritten }
  }

  /** Whether messages go to this segment now: it is then not free, whatever is settled in it. */
  isWritingTo(segment: number): boolean {
    return segment === this.#segment
  }

  /** The log has sealed the segment it was writing to. */
  sealed(): void {
    this.#segment = -1
  }

  /**
   * Appends without awaiting anything unless a given id may be known, or a message replaces another. If
   * something must be looked up first, later calls for the same channels wait: calls are appended in order,
   * channel by channel.
   */
  enqueue<T>(
    messages: readonly EncodedMessage[],
    options: StoreEnqueueOptions,
    answer: Answer<T>,
    about: number,
  ): Promise<T> {
    const refusal = this.#parts.refusal()
    if (refusal !== undefined) return Promise.reject(refusal)
    const { signal } = options
    if (signal?.aborted) return Promise.reject(new AbortError(signal))
    if (messages.length === 0) return Promise.resolve(answer([], about))
    if (this.#order.holdsAny(messages) || this.#needsLook(messages))
      return this.#parts.keepAlive
        .during(this.#enqueueOnce(messages, options))
        .then(enqueued => answer(enqueued, about))
    return this.#append(messages, signal, answer, about)
  }

  #needsLook(messages: readonly EncodedMessage[]): boolean {
    if (messages.length === 1) return this.#oneNeedsLook(messages[0]!)
    const ids = new Set<string>()
    for (const encoded of messages) {
      const { id, idGiven } = encoded
      if (ids.has(id) || this.#oneNeedsLook(encoded)) return true
      if (idGiven) ids.add(id)
    }
    return false
  }

  /** Its id may be known, or it replaces a message. */
  #oneNeedsLook(encoded: EncodedMessage): boolean {
    const { id, idGiven, replaces } = encoded
    if (replaces !== undefined) return true
    if (!idGiven) return false
    const { index, dedupe, now } = this.#sources
    return (
      this.#beingWritten.has(id) || index.candidates(id).length > 0 || dedupe.get(id, now()) !== undefined
    )
  }

  async #enqueueOnce(messages: readonly EncodedMessage[], options: StoreEnqueueOptions): Promise<Enqueued[]> {
    const { earlier, release } = this.#order.hold(messages)
    try {
      await abortable(earlier, options.signal)
      const { places, appending } = await this.#decideAndAppend(messages, options)
      // It has its sequence; later calls may take the next ones while it is written.
      release()
      const appended = await appending
      return places.map(place => {
        if ('known' in place) return place.known
        const receipt = appended[place.fresh]!
        return place.repeated ? { ...receipt, duplicate: true } : receipt
      })
    } finally {
      release()
    }
  }

  async #decideAndAppend(
    messages: readonly EncodedMessage[],
    { signal, onConflict }: StoreEnqueueOptions,
  ): Promise<{ places: readonly ListPosition[]; appending: Promise<Enqueued[]> }> {
    const read = new Map<number, MessageIdentity>()
    for (;;) {
      const refusal = this.#parts.refusal()
      if (refusal !== undefined) throw refusal
      const decision = decideDuplicates(messages, onConflict, this.#sources, read)
      if (decision.kind === 'wait') {
        await abortable(decision.appending.settled(), signal)
        continue
      }
      if (decision.kind === 'read') {
        await abortable(this.#readIdentities(decision.refs, read), signal)
        continue
      }
      const { fresh, places } = decision
      const { replacements, log } = this.#parts
      const unread = replacements.unread(fresh)
      if (unread.length > 0) {
        await abortable(replacements.read(unread), signal)
        continue
      }
      replacements.begin(fresh, log.nextSequence)
      const appending = fresh.length === 0 ? Promise.resolve([]) : this.#append(fresh, signal, asTheyAre, 0)
      // It is awaited a few steps later; a rejection until then must not count as unhandled.
      appending.catch(() => {})
      return { places, appending }
    }
  }

  async #readIdentities(refs: readonly MessageRef[], into: Map<number, MessageIdentity>): Promise<void> {
    const { table } = this.#sources.index
    await Promise.all(
      refs.map(async ref => {
        const sequence = table.sequence(ref)
        const identity = await this.#parts.readIdentity(ref)
        if (identity !== undefined) into.set(sequence, identity)
      }),
    )
  }

  /** `answer` makes what the promise resolves to; a separate step would cost one more promise a message. */
  #append<T>(
    messages: readonly EncodedMessage[],
    signal: AbortSignal | undefined,
    answer: Answer<T>,
    about: number,
  ): Promise<T> {
    const { log } = this.#parts
    if (messages[0]!.together)
      for (const [index, encoded] of messages.entries()) placeInList(encoded, index, messages.length)
    const promise = new Promise<unknown>(keepSettlers)
    const appending = new Appending(messages, this, settlers.resolve, settlers.reject, answer, about)
    if (this.inFlight.isEmpty) this.#parts.keepAlive.hold()
    this.inFlight.add(appending)
    for (const { id, idGiven } of messages) if (idGiven) this.#beingWritten.set(id, appending)
    if (signal !== undefined) appending.withdrawOn(signal)
    try {
      log.append(appending)
    } catch (error) {
      appending.failed(error as Error)
    }
    return promise as Promise<T>
  }

  /** False: some of its bytes may have been written. */
  withdraw(appending: Appending): boolean {
    if (!this.#parts.log.withdraw(appending)) return false
    this.#forget(appending)
    this.#parts.replacements.refused(appending.firstSequence, appending.messages.length)
    appending.wake()
    return true
  }

  #forget(appending: Appending): void {
    if (this.inFlight.isEmpty) return
    this.inFlight.delete(appending)
    if (this.inFlight.isEmpty) this.#parts.keepAlive.release()
    for (const { id, idGiven } of appending.messages) if (idGiven) this.#beingWritten.delete(id)
  }

  appended(appending: Appending): void {
    const { messages, firstSequence } = appending
    const enqueued = new Array<Enqueued>(messages.length)
    for (let index = 0; index < messages.length; index += 1) {
      const { id, channel: name } = messages[index]!
      const { channels } = this.#sources.index
      const channel = channels.anyMoved ? channels.present(name) : name
      enqueued[index] = { id, channel, sequence: firstSequence + index, duplicate: false, state: 'pending' }
    }
    // First, so that code called within the answer already finds the messages.
    this.#sources.index.deferred.add(appending)
    appending.answer(enqueued)
  }

  /** Puts its messages into the index. */
  index(appending: Appending): void {
    const { sources, usage, appended, replacements } = this.#parts
    const { messages, firstSequence, segment } = appending
    this.#forget(appending)
    let { offset } = appending
    for (let index = 0; index < messages.length; index += 1) {
      const encoded = messages[index]!
      const { record } = encoded
      const sequence = firstSequence + index
      const together = encoded.together ? { index, count: messages.length } : undefined
      const ref = sources.index.add(sequence, encoded, together, segment, offset, record.length)
      sources.cache.add(sequence, encoded)
      usage.messageAdded(segment, record.length)
      offset += frameBytes(encoded)
      if (encoded.replaces !== undefined) replacements.written(ref)
      appended(ref)
      if (encoded.replaces !== undefined) replacements.announced(ref)
    }
    appending.wake()
    if (segment !== this.#segment) {
      this.#segment = segment
      this.#parts.segmentBegun()
    }
  }

  moved(appending: Appending, segment: number, firstOffset: number): void {
    const { sources, usage } = this.#parts
    const { index } = sources
    let offset = firstOffset
    for (const [at, encoded] of appending.messages.entries()) {
      const ref = index.bySequence(appending.firstSequence + at)
      if (ref === undefined) {
        usage.messageMoved(appending.segment, segment, undefined)
      } else {
        const ackSegment = index.table.ackSegment(ref)
        usage.messageMoved(appending.segment, segment, { bytes: encoded.record.length, ackSegment })
        index.table.move(ref, segment, offset)
      }
      offset += frameBytes(encoded)
    }
  }

  refused(appending: Appending, cause: Error): void {
    const ids = appending.messages.map(({ id }) => id)
    const { code, indeterminate, message } = asWaqError(cause, `Enqueue of ${describe(ids)}`)
    this.#forget(appending)
    this.#parts.replacements.refused(appending.firstSequence, appending.messages.length)
    appending.reject(new WaqError(code, message, { cause, indeterminate, ids }))
  }
}

/** Frames of a list follow each other directly. */
function frameBytes({ record }: EncodedMessage): number {
  return FRAME_HEADER_BYTES + record.length
}

function describe(ids: readonly string[]): string {
  return ids.length === 1 ? `message "${ids[0]}"` : `${ids.length} messages, the first one "${ids[0]}"`
}
