/**
 * Writes the envelope of a message's record: the fields before the payload, and the optional ones after it.
 * By hand, because they are always the same.
 */
import { recordBuffer as out } from '../../log/commit/record-buffer.js'
import { FLOAT_64, MAP_16, MAP_32, NIL, SMALL_ARRAY, SMALL_MAP, UINT_32 } from './message-pack-bytes.js'
import { writeLength, writeText } from './message-pack-writer.js'

export interface EnvelopeFields {
  readonly id: string
  readonly channel: string
  readonly enqueuedAt: number
  readonly deliverAt: number
  readonly delayed?: boolean
  readonly expiresAt: number
  readonly headers: Readonly<Record<string, string>>
}

const SMALL_MAP_ENTRIES = 15
/** The array and the place before the texts; after them, the times and the map of headers. */
const MAX_PLACE_BYTES = 1 + 1 + 2 * 5
const MAX_TIMES_BYTES = 3 * 9 + 5
const PRIORITY_BYTES = 2
/** The sequence and the order key of a replaced message, at the end of a record. */
export const REPLACED_BYTES = 2 * 9

/**
 * Writes all but the payload. `fields`: the length of the record's array; `place`: the pair of a `together`
 * list, written as nil if there is none.
 */
export function writeEnvelope(
  fields: number,
  place: readonly [number, number] | undefined,
  { id, channel, enqueuedAt, deliverAt, delayed, expiresAt, headers }: EnvelopeFields,
): void {
  out.reserve(MAX_PLACE_BYTES)
  out.bytes[out.at++] = SMALL_ARRAY | fields
  if (place === undefined) out.bytes[out.at++] = NIL
  else writePlace(place)
  writeText(id)
  writeText(channel)
  out.reserve(MAX_TIMES_BYTES)
  writeTime(enqueuedAt)
  writeTime(delayed ? -deliverAt : deliverAt)
  writeTime(expiresAt)
  // Usually there are none; this finds out without making a list of keys.
  for (const _ in headers) {
    writeHeaders(headers)
    return
  }
  out.bytes[out.at++] = SMALL_MAP
}

/** Keys of the map of optional fields. */
export const OptionalField = { priority: 1, replaces: 2 } as const

/**
 * Writes what follows the payload: the message's own priority, -8 to 7, and the key of what it replaces,
 * where it has them.
 */
export function writeOptional(priority: number | undefined, replacesKey: string | undefined): void {
  out.reserve(1 + PRIORITY_BYTES)
  out.bytes[out.at++] = SMALL_MAP | ((priority === undefined ? 0 : 1) + (replacesKey === undefined ? 0 : 1))
  if (priority !== undefined) {
    out.bytes[out.at++] = OptionalField.priority
    // A fixint: its byte is the number in two's complement.
    out.bytes[out.at++] = priority
  }
  if (replacesKey !== undefined) writeReplaces(replacesKey)
}

function writeReplaces(key: string): void {
  out.reserve(2)
  out.bytes[out.at++] = OptionalField.replaces
  out.bytes[out.at++] = SMALL_ARRAY | 3
  writeText(key)
  out.reserve(REPLACED_BYTES)
  for (let i = 0; i < 2; i += 1) {
    // Always a float, also for 0: overwritten when the message is appended.
    out.bytes[out.at] = FLOAT_64
    out.view.setFloat64(out.at + 1, 0)
    out.at += 9
  }
}

function writePlace(place: readonly [number, number]): void {
  out.bytes[out.at++] = SMALL_ARRAY | 2
  for (const number of place) {
    // Always 5 bytes each: overwritten when the list is appended.
    out.bytes[out.at++] = UINT_32
    out.view.setUint32(out.at, number)
    out.at += 4
  }
}

/** 0 takes one byte, the rest a float: epoch ms do not fit 32 bits, and never may be Infinity. */
function writeTime(value: number): void {
  const { bytes, view, at } = out
  if (value === 0) {
    bytes[at] = 0
    out.at = at + 1
  } else {
    bytes[at] = FLOAT_64
    view.setFloat64(at + 1, value)
    out.at = at + 9
  }
}

function writeHeaders(headers: Readonly<Record<string, string>>): void {
  const keys = Object.keys(headers)
  if (keys.length <= SMALL_MAP_ENTRIES) out.bytes[out.at++] = SMALL_MAP | keys.length
  else writeLength(keys.length, undefined, MAP_16, MAP_32)
  for (const key of keys) {
    writeText(key)
    writeText(headers[key]!)
  }
}
