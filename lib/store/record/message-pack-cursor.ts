/**
 * Steps through a MessagePack record in the forms that this waq writes, without making objects that no one
 * needs. It refuses any other form; the caller then decodes the record in full.
 */

import {
  ARRAY_16,
  BIN_8,
  BIN_16,
  BIN_32,
  FALSE,
  FLOAT_32,
  FLOAT_64,
  SMALL_ARRAY,
  STRING_8,
  STRING_16,
  TRUE,
  UINT_8,
  UINT_16,
  UINT_32,
} from './message-pack-bytes.js'

/** Gives access to the bits of a number. */
const float = new Float64Array(1)
const floatWords = new Uint32Array(float.buffer)
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** As `readDoubleBE`, which is too large to be inlined, so that each number it returns is an object. */
function readDouble(bytes: Buffer, at: number): number {
  // Infinity, as most times to live are; if any byte after this is not zero, it is not a number.
  if (bytes[at] === 0x7f && bytes[at + 1] === 0xf0 && bytes[at + 7] === 0) return readInfinity(bytes, at)
  const high = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  const low = (bytes[at + 4]! << 24) | (bytes[at + 5]! << 16) | (bytes[at + 6]! << 8) | bytes[at + 7]!
  floatWords[0] = LITTLE_ENDIAN ? low : high
  floatWords[1] = LITTLE_ENDIAN ? high : low
  return float[0]!
}

function readInfinity(bytes: Buffer, at: number): number {
  for (let i = at + 2; i < at + 7; i += 1) if (bytes[i] !== 0) return Number.NaN
  return Number.POSITIVE_INFINITY
}

/** A power of 2. If more than about half as many different names alternate, some are made again. */
export const NAMES = 4096
/** The number of successive places that a name may have. */
const PROBES = 8
/** The number of a name's bytes that choose its place. */
const HASHED_BYTES = 8
/** A longer name is made each time. */
const MAX_NAME_BYTES = 64

export class MessagePackCursor {
  bytes: Buffer = Buffer.alloc(0)
  at = 0
  /** Where the text or bytes last stepped over begin; they end at `at`. */
  textFrom = 0
  /** Which of the `NAMES` places holds the name last read; -1: none. */
  namePlace = -1
  readonly #names: string[] = new Array<string>(NAMES).fill('')
  /** The length of each name; 0: the place is free. */
  readonly #nameLengths = new Uint8Array(NAMES)
  readonly #nameBytes = new Uint8Array(NAMES * MAX_NAME_BYTES)

  begin(bytes: Buffer): void {
    this.bytes = bytes
    this.at = 0
  }

  /** Steps over this byte; false if there is another. */
  byte(expected: number): boolean {
    if (this.bytes[this.at] !== expected) return false
    this.at += 1
    return true
  }

  /** NaN if there is no number in a usual form. */
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
        return readDouble(bytes, from)
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

  /** Undefined if there is no boolean. */
  flag(): boolean | undefined {
    const type = this.bytes[this.at]
    if (type !== TRUE && type !== FALSE) return undefined
    this.at += 1
    return type === TRUE
  }

  /** Steps over a text; false if there is none. */
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

  /** Steps over the head of an array. Returns how many values follow; -1 if there is no array. */
  array(): number {
    const { bytes } = this
    const type = bytes[this.at]!
    if ((type & 0xf0) === SMALL_ARRAY) {
      this.at += 1
      return type & 0x0f
    }
    if (type !== ARRAY_16 || this.at + 3 > bytes.length) return -1
    this.at += 3
    return bytes.readUInt16BE(this.at - 2)
  }

  /** Steps over bytes; false if there are none. */
  binary(): boolean {
    const { bytes } = this
    const type = bytes[this.at]!
    const lengthBytes = type === BIN_8 ? 1 : type === BIN_16 ? 2 : type === BIN_32 ? 4 : 0
    this.textFrom = this.at + 1 + lengthBytes
    if (lengthBytes === 0 || this.textFrom > bytes.length) return false
    this.at = this.textFrom + bytes.readUIntBE(this.at + 1, lengthBytes)
    return this.at <= bytes.length
  }

  /** The text last stepped over. */
  string(): string {
    return this.bytes.toString('utf8', this.textFrom, this.at)
  }

  /** The same, as one string object each time it recurs. */
  name(): string {
    const { bytes, textFrom: from, at: to } = this
    const length = to - from
    if (length === 0 || length > MAX_NAME_BYTES) {
      this.namePlace = -1
      return this.string()
    }
    // The end of a name tells most: a platform comes first, its parts last.
    let hash = length
    for (let i = length > HASHED_BYTES ? to - HASHED_BYTES : from; i < to; i += 1)
      hash = (Math.imul(hash, 31) + bytes[i]!) | 0
    const home = hash ^ (hash >>> 15)
    for (let probe = 0; probe < PROBES; probe += 1) {
      const place = (home + probe) & (NAMES - 1)
      this.namePlace = place
      if (this.#nameLengths[place] === 0) return this.#keepName(place)
      if (this.#nameLengths[place] === length && this.#isName(place)) return this.#names[place]!
    }
    this.namePlace = (home + (to & (PROBES - 1))) & (NAMES - 1)
    return this.#keepName(this.namePlace)
  }

  #isName(place: number): boolean {
    const { bytes, textFrom: from, at: to } = this
    const nameBytes = this.#nameBytes
    const start = place * MAX_NAME_BYTES - from
    for (let i = from; i < to; i += 1) if (nameBytes[start + i] !== bytes[i]) return false
    return true
  }

  #keepName(place: number): string {
    const { bytes, textFrom: from, at: to } = this
    const name = this.string()
    this.#names[place] = name
    this.#nameLengths[place] = to - from
    bytes.copy(this.#nameBytes, place * MAX_NAME_BYTES, from, to)
    return name
  }
}
