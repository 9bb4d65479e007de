/**
 * Writes MessagePack values into the current record, each in its fewest bytes, as every other writer does. By
 * hand, because a general encoder spends more on finding out what it is given than on writing it.
 */
import { recordBuffer as out } from '../../log/commit/record-buffer.js'
import {
  FLOAT_64,
  INT_8,
  INT_16,
  INT_32,
  SMALL_STRING,
  STRING_8,
  STRING_16,
  STRING_32,
  UINT_8,
  UINT_16,
  UINT_32,
} from './message-pack-bytes.js'

const SMALL_STRING_BYTES = 31
/** A length of 32 bits, or a number of 64. */
const MAX_PREFIX_BYTES = 9
/** Up to this length a loop beats the call into `utf8Write`. */
const SHORT_TEXT_UNITS = 64

/** Replaces what UTF-8 cannot carry by U+FFFD. */
export function writeText(text: string): void {
  if (!writeAscii(text)) writeUtf8(text)
}

/** False, with nothing written, if it is long, or a character takes more than one byte. */
export function writeAscii(text: string): boolean {
  const { length } = text
  if (length > SHORT_TEXT_UNITS) return false
  out.reserve(2 + length)
  const { bytes, at } = out
  const start = at + (length <= SMALL_STRING_BYTES ? 1 : 2)
  for (let unit = 0; unit < length; unit += 1) {
    const code = text.charCodeAt(unit)
    if (code > 0x7f) return false
    bytes[start + unit] = code
  }
  if (length <= SMALL_STRING_BYTES) {
    bytes[at] = SMALL_STRING | length
  } else {
    bytes[at] = STRING_8
    bytes[at + 1] = length
  }
  out.at = start + length
  return true
}

export function writeUtf8(text: string): void {
  const size = Buffer.byteLength(text)
  out.reserve(MAX_PREFIX_BYTES + size)
  if (size <= SMALL_STRING_BYTES) out.bytes[out.at++] = SMALL_STRING | size
  else writeLength(size, STRING_8, STRING_16, STRING_32)
  out.at += out.bytes.write(text, out.at, 'utf8')
}

/** There must be room for it. `oneByte`: the marker for a length of one byte, if there is one, and so on. */
export function writeLength(
  length: number,
  oneByte: number | undefined,
  twoBytes: number,
  fourBytes: number,
): void {
  const { bytes, view, at } = out
  if (oneByte !== undefined && length <= 0xff) {
    bytes[at] = oneByte
    bytes[at + 1] = length
    out.at = at + 2
  } else if (length <= 0xffff) {
    bytes[at] = twoBytes
    view.setUint16(at + 1, length)
    out.at = at + 3
  } else {
    bytes[at] = fourBytes
    view.setUint32(at + 1, length)
    out.at = at + 5
  }
}

/** Writes minus zero as zero. */
export function writeNumber(value: number): void {
  out.reserve(MAX_PREFIX_BYTES)
  const { bytes, view, at } = out
  if (value >>> 0 === value) {
    if (value <= 0x7f) {
      bytes[at] = value
      out.at = at + 1
    } else writeLength(value, UINT_8, UINT_16, UINT_32)
  } else if (value >> 0 !== value) {
    bytes[at] = FLOAT_64
    view.setFloat64(at + 1, value)
    out.at = at + 9
  } else if (value >= -0x20) {
    bytes[at] = value
    out.at = at + 1
  } else if (value >= -0x80) {
    bytes[at] = INT_8
    bytes[at + 1] = value
    out.at = at + 2
  } else if (value >= -0x8000) {
    bytes[at] = INT_16
    view.setInt16(at + 1, value)
    out.at = at + 3
  } else {
    bytes[at] = INT_32
    view.setInt32(at + 1, value)
    out.at = at + 5
  }
}
