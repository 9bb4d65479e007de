/** Reads messages back: from the cache, or from the message log. */
import type { Log } from '../../log/types.js'
import type { MessageRef, StoredMessage } from '../message-store.js'
import { decodeEnvelope, decodePayload, type EncodedMessage } from '../record/message.js'
import { identityOf, type MessageIdentity } from '../record/message-identity.js'
import { idOf } from '../record/record-id.js'
import type { MessageIndex } from './message-index.js'
import type { RecordCache } from './record-cache.js'

export class MessageReader {
  readonly #log: Log
  readonly #index: MessageIndex
  readonly #cache: RecordCache

  constructor(log: Log, index: MessageIndex, cache: RecordCache) {
    this.#log = log
    this.#index = index
    this.#cache = cache
  }

  /** Synchronous if it is in memory. Throws, or rejects, with WAQ_CORRUPT or WAQ_IO. */
  read(ref: MessageRef): StoredMessage | Promise<StoredMessage> {
    const sequence = this.#index.table.sequence(ref)
    const latest = this.#cache.latest(sequence)
    if (latest !== undefined) return justEncoded(sequence, latest)
    const cached = this.#cache.get(sequence)
    // A copy: bytes in the payload are handed out as views of it.
    const record = cached === undefined ? this.#stored(ref, sequence) : Buffer.from(cached)
    return record instanceof Promise
      ? record.then(later => storedMessage(sequence, later))
      : storedMessage(sequence, record)
  }

  /**
   * The identity of a live message; undefined if it was settled meanwhile. Rejects with WAQ_CORRUPT or
   * WAQ_IO.
   */
  async identity(ref: MessageRef): Promise<MessageIdentity | undefined> {
    const sequence = this.#index.table.sequence(ref)
    try {
      const record = this.#cache.get(sequence) ?? (await this.#stored(ref, sequence))
      return identityOf(record, describe(sequence))
    } catch (error) {
      if (this.#index.bySequence(sequence) === undefined) return undefined
      throw error
    }
  }

  /**
   * The live message with this id. Compares the id of each candidate with the one on disk, synchronously if
   * these are in memory. Throws, or rejects, with WAQ_CORRUPT or WAQ_IO.
   */
  find(id: string): MessageRef | undefined | Promise<MessageRef | undefined> {
    const candidates = this.#index.candidates(id)
    for (const ref of candidates) {
      const sequence = this.#index.table.sequence(ref)
      const record = this.#cache.get(sequence)
      if (record === undefined) return this.#findOnDisk(id, candidates)
      if (idOf(record, describe(sequence)) === id) return ref
    }
    return undefined
  }

  async #findOnDisk(id: string, candidates: Iterable<MessageRef>): Promise<MessageRef | undefined> {
    for (const ref of candidates) {
      const sequence = this.#index.table.sequence(ref)
      const identity = await this.identity(ref)
      // If the message was settled meanwhile, the ref may belong to another one.
      if (identity?.id === id && this.#index.bySequence(sequence) === ref) return ref
    }
    return undefined
  }

  /** Reads the record from the log into the cache. */
  #stored(ref: MessageRef, sequence: number): Uint8Array | Promise<Uint8Array> {
    const { table } = this.#index
    const record = this.#log.read(table.segment(ref), table.offset(ref))
    if (record instanceof Promise) return this.#recordLater(ref, sequence, record)
    this.#cache.set(sequence, record)
    return record
  }

  async #recordLater(ref: MessageRef, sequence: number, reading: Promise<Buffer>): Promise<Uint8Array> {
    const record = await this.#followed(ref, sequence, reading)
    // Only if it is still live: the cache holds nothing that no one will ask for.
    if (this.#index.bySequence(sequence) !== undefined) this.#cache.set(sequence, record)
    return record
  }

  /** Compaction may remove a segment during the read: the record is then read from its new place. */
  async #followed(ref: MessageRef, sequence: number, first: Promise<Buffer>): Promise<Uint8Array> {
    const { table } = this.#index
    let reading: Buffer | Promise<Buffer> = first
    for (;;) {
      const segment = table.segment(ref)
      const offset = table.offset(ref)
      try {
        return await reading
      } catch (error) {
        const isStill = this.#index.bySequence(sequence) === ref
        if (!isStill || (table.segment(ref) === segment && table.offset(ref) === offset)) throw error
      }
      reading = this.#log.read(table.segment(ref), table.offset(ref))
    }
  }
}

function describe(sequence: number): string {
  return `Message ${sequence}`
}

/** The same as reading the record: headers and payload belong to the caller. */
function justEncoded(sequence: number, encoded: EncodedMessage): StoredMessage {
  const { id, channel, headers, enqueuedAt, deliverAt, expiresAt, record, payloadFrom, payloadTo } = encoded
  const payload = decodePayload(record.subarray(payloadFrom, payloadTo), describe(sequence))
  const replaces = encoded.replaces?.key
  return {
    id,
    channel,
    payload,
    headers: { ...headers },
    sequence,
    enqueuedAt,
    deliverAt,
    expiresAt,
    replaces,
  }
}

function storedMessage(sequence: number, record: Uint8Array): StoredMessage {
  const envelope = decodeEnvelope(record, describe(sequence))
  const { id, channel, payload, headers, enqueuedAt, deliverAt, expiresAt } = envelope
  const replaces = envelope.replaces?.key
  const decoded = decodePayload(payload, `Message "${id}" (sequence ${sequence})`)
  return { id, channel, payload: decoded, headers, sequence, enqueuedAt, deliverAt, expiresAt, replaces }
}
