/**
 * Reads from a message's record only what the index needs. An opening does that for the whole backlog, so it
 * makes no string of the id, one string a channel rather than a message, and steps over headers and payload.
 *
 * It knows the MessagePack that this waq writes. Everything else (a text that is not ASCII, a number in
 * another form, a newer format) it leaves to `decodeEnvelope`, which also words the errors.
 */

import { hashAsciiId, hashId, type IdHash } from '../tables/id-hash.js'
import { digestOf } from './digest.js'
import { OptionalField } from './envelope-writer.js'
import {
  decodeEnvelope,
  ENVELOPE_FIELDS,
  type Envelope,
  type Indexed,
  MAX_PRIORITY,
  MIN_PRIORITY,
} from './message.js'
import { identityOf, type MessageIdentity } from './message-identity.js'
import { MAP_16, NIL, SMALL_ARRAY, SMALL_MAP, UINT_32 } from './message-pack-bytes.js'
import { MessagePackCursor } from './message-pack-cursor.js'

/** One is made for an opening and reused for each record: its fields are those of the record last read. */
export class EnvelopeScan implements Indexed {
  /** Not read: the hash is all that is needed. */
  readonly id = ''
  hashLow = 0
  hashHigh = 0
  channel = ''
  /** The channel's `MessagePackCursor.namePlace`. */
  channelPlace = -1
  enqueuedAt = 0
  deliverAt = 0
  delayed = false
  expiresAt = 0
  together: Envelope['together']
  priority: number | undefined
  replaces: Envelope['replaces']
  #idFrom = 0
  #idTo = 0
  #payloadFrom = 0
  #payloadTo = 0
  readonly #hash: IdHash = { low: 0, high: 0 }
  readonly #cursor = new MessagePackCursor()

  /** Throws as `decodeEnvelope`; `sequence` names the record in errors. */
  read(record: Buffer, sequence: number): void {
    if (this.#readUsual(record)) return
    const envelope = decodeEnvelope(record, `Message ${sequence}`)
    const hash = hashId(envelope.id)
    this.hashLow = hash.low
    this.hashHigh = hash.high
    this.channel = envelope.channel
    this.channelPlace = -1
    this.enqueuedAt = envelope.enqueuedAt
    this.deliverAt = envelope.deliverAt
    this.delayed = envelope.delayed
    this.expiresAt = envelope.expiresAt
    this.together = envelope.together
    this.priority = envelope.priority
    this.replaces = envelope.replaces
  }

  /** The identity in the record, as `identityOf`. */
  identity(record: Buffer, where: string): MessageIdentity {
    if (!this.#readUsual(record)) return identityOf(record, where)
    return {
      id: record.toString('latin1', this.#idFrom, this.#idTo),
      channel: this.channel,
      digest: digestOf(record.subarray(this.#payloadFrom, this.#payloadTo)),
    }
  }

  /** False: it is in another form, or invalid. */
  #readUsual(record: Buffer): boolean {
    const cursor = this.#cursor
    cursor.begin(record)
    const hasOptional = record[0] === (SMALL_ARRAY | (ENVELOPE_FIELDS + 1))
    if (!hasOptional && record[0] !== (SMALL_ARRAY | ENVELOPE_FIELDS)) return false
    cursor.at = 1
    if (!this.#readTogether(record)) return false
    if (!cursor.text() || cursor.at === cursor.textFrom) return false
    if (!hashAsciiId(record, cursor.textFrom, cursor.at, this.#hash)) return false
    this.hashLow = this.#hash.low
    this.hashHigh = this.#hash.high
    this.#idFrom = cursor.textFrom
    this.#idTo = cursor.at
    if (!cursor.text()) return false
    this.channel = cursor.name()
    this.channelPlace = cursor.namePlace
    this.enqueuedAt = cursor.number()
    const deliverAt = cursor.number()
    this.delayed = deliverAt < 0
    this.deliverAt = Math.abs(deliverAt)
    this.expiresAt = cursor.number()
    if (!(this.enqueuedAt >= 0 && this.deliverAt >= 0 && this.expiresAt >= 0)) return false
    if (!this.#stepOverHeaders(record) || !cursor.binary()) return false
    this.#payloadFrom = cursor.textFrom
    this.#payloadTo = cursor.at
    this.priority = undefined
    this.replaces = undefined
    if (hasOptional) return this.#endsWithPriority(record)
    return cursor.at === record.length
  }

  #readTogether(record: Buffer): boolean {
    const cursor = this.#cursor
    this.together = undefined
    if (cursor.byte(NIL)) return true
    if (!cursor.byte(SMALL_ARRAY | 2) || record[cursor.at] !== UINT_32 || record[cursor.at + 5] !== UINT_32)
      return false
    const index = cursor.number()
    const count = cursor.number()
    if (!(index < count)) return false
    this.together = { index, count }
    return true
  }

  /** Steps over a map of texts. */
  #stepOverHeaders(record: Buffer): boolean {
    const cursor = this.#cursor
    const type = record[cursor.at]!
    let entries: number
    if ((type & 0xf0) === 0x80) {
      entries = type & 0x0f
      cursor.at += 1
    } else if (type === MAP_16 && cursor.at + 3 <= record.length) {
      entries = record.readUInt16BE(cursor.at + 1)
      cursor.at += 3
    } else return false
    for (let i = 0; i < 2 * entries; i += 1) if (!cursor.text()) return false
    return true
  }

  /** Whether the rest of the record is a map with a priority and nothing else, which it reads. */
  #endsWithPriority(record: Buffer): boolean {
    const cursor = this.#cursor
    if (!cursor.byte(SMALL_MAP | 1) || !cursor.byte(OptionalField.priority)) return false
    if (cursor.at + 1 !== record.length) return false
    const priority = record.readInt8(cursor.at)
    if (priority < MIN_PRIORITY || priority > MAX_PRIORITY) return false
    this.priority = priority
    return true
  }
}
