/**
 * Reads of a message's record what the index needs, and no more: an opening does that for every message that waits, so
 * it makes no string of the id, one for each channel and not for each message, and steps over headers and payload.
 *
 * It knows the MessagePack that this waq writes. Anything else (a text that is not ASCII, a number in another form, a
 * newer format) it leaves to `decodeEnvelope`, which also has the words for what is wrong.
 */
import { hashAsciiId, hashId, type IdHash } from './id-hash.js'
import { decodeEnvelope } from './message.js'
import type { Indexed } from './message-index.js'

const ARRAY_OF_8 = 0x98
const PAIR = 0x92
const NIL = 0xc0
const BIN_8 = 0xc4
const FLOAT_32 = 0xca
const FLOAT_64 = 0xcb
const UINT_8 = 0xcc
const UINT_32 = 0xce
const STR_8 = 0xd9
const STR_32 = 0xdb
const MAP_16 = 0xde

/** A power of 2. Queues with more channels than this at once read some names again. */
const NAMES = 4096

/** One is made for an opening and read again for each record: its fields speak of the record that was read last. */
export class EnvelopeScan implements Indexed {
  /** Not read: its hash is all that is needed. */
  readonly id = ''
  hashLow = 0
  hashHigh = 0
  channel = ''
  enqueuedAt = 0
  deliverAt = 0
  expiresAt = 0
  together: Indexed['together']
  readonly #names = new Array<string | undefined>(NAMES)
  readonly #nameBytes = new Array<Buffer | undefined>(NAMES)
  readonly #hash: IdHash = { low: 0, high: 0 }
  #at = 0
  /** Of the text that was stepped over last. */
  #textFrom = 0

  /** Throws as `decodeEnvelope`; `sequence` names the record there. */
  read(record: Buffer, sequence: number): void {
    if (this.#readUsual(record)) return
    const envelope = decodeEnvelope(record, `Message ${sequence}`)
    const hash = hashId(envelope.id)
    this.hashLow = hash.low
    this.hashHigh = hash.high
    this.channel = envelope.channel
    this.enqueuedAt = envelope.enqueuedAt
    this.deliverAt = envelope.deliverAt
    this.expiresAt = envelope.expiresAt
    this.together = envelope.together
  }

  /** False: it is written in another way, or wrong. */
  #readUsual(record: Buffer): boolean {
    if (record[0] !== ARRAY_OF_8) return false
    this.together = undefined
    if (record[1] === NIL) this.#at = 2
    else if (record[1] === PAIR && record[2] === UINT_32 && record[7] === UINT_32) {
      const together = { index: record.readUInt32BE(3), count: record.readUInt32BE(8) }
      if (together.index >= together.count) return false
      this.together = together
      this.#at = 12
    } else return false

    if (!this.#text(record) || this.#at === this.#textFrom) return false
    if (!hashAsciiId(record, this.#textFrom, this.#at, this.#hash)) return false
    this.hashLow = this.#hash.low
    this.hashHigh = this.#hash.high
    if (!this.#text(record)) return false
    this.channel = this.#name(record, this.#textFrom, this.#at)
    this.enqueuedAt = this.#time(record)
    this.deliverAt = this.#time(record)
    this.expiresAt = this.#time(record)
    if (!(this.enqueuedAt >= 0 && this.deliverAt >= 0 && this.expiresAt >= 0)) return false
    return this.#headers(record) && this.#endsWithBin(record)
  }

  /** Steps over a str; false where there is none. */
  #text(record: Buffer): boolean {
    const type = record[this.#at]!
    let length: number
    if ((type & 0xe0) === 0xa0) {
      length = type & 0x1f
      this.#textFrom = this.#at + 1
    } else if (type === STR_8) {
      length = record[this.#at + 1]!
      this.#textFrom = this.#at + 2
    } else if (type > STR_8 && type < STR_32 && this.#at + 3 <= record.length) {
      length = record.readUInt16BE(this.#at + 1)
      this.#textFrom = this.#at + 3
    } else return false
    this.#at = this.#textFrom + length
    return this.#at <= record.length
  }

  /** NaN where there is no number of a usual form. */
  #time(record: Buffer): number {
    const type = record[this.#at]!
    if (type < 0x80) {
      this.#at += 1
      return type
    }
    if (this.#at + 9 > record.length) return Number.NaN
    const from = this.#at + 1
    switch (type) {
      case FLOAT_64:
        this.#at += 9
        return record.readDoubleBE(from)
      case FLOAT_32:
        this.#at += 5
        return record.readFloatBE(from)
      case UINT_8:
        this.#at += 2
        return record[from]!
      case UINT_8 + 1:
        this.#at += 3
        return record.readUInt16BE(from)
      case UINT_32:
        this.#at += 5
        return record.readUInt32BE(from)
      default:
        return Number.NaN
    }
  }

  /** Steps over a map of texts. */
  #headers(record: Buffer): boolean {
    const type = record[this.#at]!
    let entries: number
    if ((type & 0xf0) === 0x80) {
      entries = type & 0x0f
      this.#at += 1
    } else if (type === MAP_16 && this.#at + 3 <= record.length) {
      entries = record.readUInt16BE(this.#at + 1)
      this.#at += 3
    } else return false
    for (let i = 0; i < 2 * entries; i += 1) if (!this.#text(record)) return false
    return true
  }

  /** The rest of the record is one bin. */
  #endsWithBin(record: Buffer): boolean {
    const type = record[this.#at]!
    const room = record.length - this.#at
    if (type === BIN_8) return room >= 2 && room === 2 + record[this.#at + 1]!
    if (type === BIN_8 + 1) return room >= 3 && room === 3 + record.readUInt16BE(this.#at + 1)
    return type === BIN_8 + 2 && room >= 5 && room === 5 + record.readUInt32BE(this.#at + 1)
  }

  /** One string for all messages of a channel, but for names that share a place in the table. */
  #name(record: Buffer, from: number, to: number): string {
    let hash = to - from
    for (let i = from; i < to; i += 1) hash = (Math.imul(hash, 31) + record[i]!) | 0
    const slot = (hash ^ (hash >>> 15)) & (NAMES - 1)
    const known = this.#nameBytes[slot]
    if (known !== undefined && equal(known, record, from, to)) return this.#names[slot]!
    const name = record.toString('utf8', from, to)
    this.#nameBytes[slot] = Buffer.from(record.subarray(from, to))
    this.#names[slot] = name
    return name
  }
}

function equal(known: Buffer, record: Buffer, from: number, to: number): boolean {
  if (known.length !== to - from) return false
  for (let i = 0; i < known.length; i += 1) if (known[i] !== record[from + i]) return false
  return true
}
