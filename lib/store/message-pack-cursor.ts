/**
 * Steps through a MessagePack record in the forms that this waq writes, without making an object of what nobody needs.
 * Whatever it does not know it refuses; the caller then decodes the record in full.
 */

import {
  FALSE,
  FLOAT_32,
  FLOAT_64,
  STRING_8,
  STRING_16,
  TRUE,
  UINT_8,
  UINT_16,
  UINT_32,
} from './message-pack-bytes.js'

/** A power of 2. Where more different names than this come by turns, some are made again. */
const NAMES = 4096

export class MessagePackCursor {
  bytes: Buffer = Buffer.alloc(0)
  at = 0
  /** Where the text that was stepped over last begins; it ends at `at`. */
  textFrom = 0
  readonly #names = new Array<string | undefined>(NAMES)
  readonly #nameBytes = new Array<Buffer | undefined>(NAMES)

  begin(bytes: Buffer): void {
    this.bytes = bytes
    this.at = 0
  }

  /** Steps over this very byte; false where there is another. */
  byte(expected: number): boolean {
    if (this.bytes[this.at] !== expected) return false
    this.at += 1
    return true
  }

  /** NaN where there is no number of a usual form. */
  number(): number {
    const { bytes } = this
    const type = bytes[this.at]!
    if (type < 0x80) {
      this.at += 1
      return type
    }
    if (this.at + 9 > bytes.length) return this.#shortNumber(type)
    const from = this.at + 1
    switch (type) {
      case FLOAT_64:
        this.at += 9
        return bytes.readDoubleBE(from)
      case UINT_32:
        this.at += 5
        return bytes.readUInt32BE(from)
      default:
        return this.#shortNumber(type)
    }
  }

  #shortNumber(type: number): number {
    const { bytes } = this
    const from = this.at + 1
    const length = type === UINT_8 ? 1 : type === UINT_16 ? 2 : type === UINT_32 || type === FLOAT_32 ? 4 : 0
    if (length === 0 || from + length > bytes.length) return Number.NaN
    this.at = from + length
    if (type === FLOAT_32) return bytes.readFloatBE(from)
    return bytes.readUIntBE(from, length)
  }

  /** Undefined where there is no boolean. */
  flag(): boolean | undefined {
    const type = this.bytes[this.at]
    if (type !== TRUE && type !== FALSE) return undefined
    this.at += 1
    return type === TRUE
  }

  /** Steps over a text; false where there is none. */
  text(): boolean {
    const { bytes } = this
    const type = bytes[this.at]!
    let length: number
    if ((type & 0xe0) === 0xa0) {
      length = type & 0x1f
      this.textFrom = this.at + 1
    } else if (type === STRING_8) {
      length = bytes[this.at + 1]!
      this.textFrom = this.at + 2
    } else if (type === STRING_16 && this.at + 3 <= bytes.length) {
      length = bytes.readUInt16BE(this.at + 1)
      this.textFrom = this.at + 3
    } else return false
    this.at = this.textFrom + length
    return this.at <= bytes.length
  }

  /** The text that was stepped over last. */
  string(): string {
    return this.bytes.toString('utf8', this.textFrom, this.at)
  }

  /** The same, as one string for all times that it comes. */
  name(): string {
    const { bytes, textFrom: from, at: to } = this
    let hash = to - from
    for (let i = from; i < to; i += 1) hash = (Math.imul(hash, 31) + bytes[i]!) | 0
    const slot = (hash ^ (hash >>> 15)) & (NAMES - 1)
    const known = this.#nameBytes[slot]
    if (known !== undefined && equal(known, bytes, from, to)) return this.#names[slot]!
    const name = this.string()
    this.#nameBytes[slot] = Buffer.from(bytes.subarray(from, to))
    this.#names[slot] = name
    return name
  }
}

function equal(known: Buffer, bytes: Buffer, from: number, to: number): boolean {
  if (known.length !== to - from) return false
  for (let i = 0; i < known.length; i += 1) if (known[i] !== bytes[from + i]) return false
  return true
}
