import { decodeEnvelope, ENVELOPE_FIELDS } from './message.js'
import { NIL, SMALL_ARRAY, STRING_8, UINT_32 } from './message-pack-bytes.js'

/**
 * Reads only the id of a record: a look-up compares ids and needs no object for the rest. Decodes a record in
 * an unusual form. Throws as `decodeEnvelope`.
 */
export function idOf(record: Buffer, where: string): string {
  const at = idAt(record)
  const type = record[at]!
  const isLong = type === STRING_8
  const from = at + (isLong ? 2 : 1)
  const length = isLong ? record[at + 1]! : (type & 0xe0) === 0xa0 ? type & 0x1f : 0
  if (at === 0 || length === 0 || from + length > record.length) return decodeEnvelope(record, where).id
  return record.toString('utf8', from, from + length)
}

/** After the place in a list; 0: the record is in an unusual form. */
function idAt(record: Buffer): number {
  if (record[0] !== (SMALL_ARRAY | ENVELOPE_FIELDS)) return 0
  if (record[1] === NIL) return 2
  return record[1] === (SMALL_ARRAY | 2) && record[2] === UINT_32 && record[7] === UINT_32 ? 12 : 0
}
