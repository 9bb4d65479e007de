/**
 * Writes the envelope of a message's record: the fields before the payload, as MessagePack. By hand, for it is the
 * same eight fields each time, and a general encoder spends more on finding that out than on writing them.
 */

import { recordBuffer } from '../log/record-buffer.js'
import {
  BIN_8,
  BIN_16,
  BIN_32,
  FLOAT_64,
  MAP_16,
  MAP_32,
  NIL,
  SMALL_ARRAY,
  SMALL_MAP,
  SMALL_STRING,
  STRING_8,
  STRING_16,
  STRING_32,
  UINT_32,
} from './message-pack-bytes.js'

export interface EnvelopeFields {
  readonly id: string
  readonly channel: string
  readonly enqueuedAt: number
  readonly deliverAt: number
  readonly delayed?: boolean
  readonly expiresAt: number
  readonly headers: Readonly<Record<string, string>>
}

const SMALL_STRING_BYTES = 31
const SMALL_MAP_ENTRIES = 15

/** A length of 32 bits. */
const MOST_PREFIX_BYTES = 5
/** UTF-8 needs at most three bytes for each unit of UTF-16. */
const MOST_BYTES_A_UNIT = 3
/** Up to here a loop beats the call into `utf8Write`. */
const SHORT_TEXT_UNITS = 64

/** Where the record begins, and how far it has come, in what `recordBuffer` holds. */
let from = 0
let at = 0
let { bytes, view } = recordBuffer

/**
 * The record of a message, where the next batch can be written from. `fields`: how many the array has; `place`: the pair
 * of a list that dies together, nil where there is none; `payload`: MessagePack already.
 */
export function writeRecord(
  fields: number,
  place: readonly [number, number] | undefined,
  message: EnvelopeFields,
  payload: Uint8Array,
): Buffer {
  from = recordBuffer.begin()
  at = from
  reserve(MOST_PREFIX_BYTES * 8 + MOST_BYTES_A_UNIT * (message.id.length + message.channel.length))
  bytes[at++] = SMALL_ARRAY | fields
  writePlace(place)
  writeString(message.id)
  writeString(message.channel)
  reserve(3 * 9)
  writeTime(message.enqueuedAt)
  writeTime(message.delayed ? -message.deliverAt : message.deliverAt)
  writeTime(message.expiresAt)
  writeHeaders(message.headers)
  reserve(MOST_PREFIX_BYTES + payload.length)
  writeLength(payload.length, BIN_8, BIN_16, BIN_32)
  bytes.set(payload, at)
  return recordBuffer.take(from, at + payload.length)
}

function writePlace(place: readonly [number, number] | undefined): void {
  if (place === undefined) {
    bytes[at++] = NIL
    return
  }
  bytes[at++] = SMALL_ARRAY | 2
  for (const number of place) {
    // Always 5 bytes each: they are overwritten when the list is appended.
    bytes[at++] = UINT_32
    view.setUint32(at, number)
    at += 4
  }
}

/** 0 in one byte, the rest as a float: epoch ms do not fit 32 bits, and never may be Infinity. */
function writeTime(value: number): void {
  if (value === 0) {
    bytes[at++] = 0
    return
  }
  bytes[at++] = FLOAT_64
  view.setFloat64(at, value)
  at += 8
}

function writeHeaders(headers: Readonly<Record<string, string>>): void {
  reserve(MOST_PREFIX_BYTES)
  if (isEmpty(headers)) {
    bytes[at++] = SMALL_MAP
    return
  }
  const keys = Object.keys(headers)
  if (keys.length <= SMALL_MAP_ENTRIES) bytes[at++] = SMALL_MAP | keys.length
  else writeLength(keys.length, undefined, MAP_16, MAP_32)
  for (const key of keys) {
    const value = headers[key]!
    reserve(2 * MOST_PREFIX_BYTES + MOST_BYTES_A_UNIT * (key.length + value.length))
    writeString(key)
    writeString(value)
  }
}

/** Most are; to tell it without a list of the keys. */
function isEmpty(headers: object): boolean {
  for (const _ in headers) return false
  return true
}

function writeString(text: string): void {
  const { length } = text
  if (length <= SHORT_TEXT_UNITS && writeAscii(text)) return
  const size = Buffer.byteLength(text)
  if (size <= SMALL_STRING_BYTES) bytes[at++] = SMALL_STRING | size
  else writeLength(size, STRING_8, STRING_16, STRING_32)
  at += bytes.write(text, at, 'utf8')
}

/** False, and nothing is written, where a character takes more than one byte. */
function writeAscii(text: string): boolean {
  const { length } = text
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
  at = start + length
  return true
}

function writeLength(length: number, oneByte: number | undefined, twoBytes: number, fourBytes: number): void {
  if (oneByte !== undefined && length <= 0xff) {
    bytes[at++] = oneByte
    bytes[at++] = length
  } else if (length <= 0xffff) {
    bytes[at++] = twoBytes
    view.setUint16(at, length)
    at += 2
  } else {
    bytes[at++] = fourBytes
    view.setUint32(at, length)
    at += 4
  }
}

/** Room for so many bytes more. */
function reserve(more: number): void {
  if (at + more <= bytes.length) return
  const moved = recordBuffer.reserve(from, at, more)
  at += moved - from
  from = moved
  ;({ bytes, view } = recordBuffer)
}
