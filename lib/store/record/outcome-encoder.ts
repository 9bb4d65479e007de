import { Packr } from 'msgpackr'
import type { RecordedError } from '../message-store.js'
import type { AliveRecord, OtherRecord, Redrive } from './outcome.js'
import { deadReasons, type FieldType, type OutcomeFormat, outcomeFormats, scopes } from './outcome-format.js'

const packr = new Packr({ useRecords: false, variableMapSize: true })

/** The bytes of an outcome that settles nothing, in a buffer of their own. */
export function encodeOutcome(record: AliveRecord | OtherRecord): Uint8Array {
  return encodeFields(outcomeFormats[record.kind], record as unknown as Readonly<Record<string, unknown>>)
}

export function encodeFields(
  { fields, optional }: OutcomeFormat,
  values: Readonly<Record<string, unknown>>,
): Uint8Array {
  const array = new Array<unknown>(fields.length)
  for (let i = 0; i < fields.length; i += 1) {
    const field = fields[i]!
    const value = values[field.name]
    // Most are numbers, which are written unchanged.
    array[i] = typeof value === 'number' ? value : encodeField(field.type, value)
  }
  if (optional !== undefined) {
    const map = new Map<number, unknown>()
    for (const { key, name, type } of optional)
      if (values[name] !== undefined) map.set(key, encodeField(type, values[name]))
    if (map.size > 0) array.push(map)
  }
  const packed = packr.pack(array)
  // msgpackr returns a slice of a slab of up to 2 MiB, and would keep that alive.
  const bytes = Buffer.allocUnsafe(packed.length)
  bytes.set(packed)
  return bytes
}

function encodeField(type: FieldType, value: unknown): unknown {
  switch (type) {
    case 'scope':
      return scopes.indexOf(value as (typeof scopes)[number])
    case 'reason':
      return deadReasons.indexOf(value as (typeof deadReasons)[number])
    case 'errors':
      return (value as readonly RecordedError[]).map(error => [
        error.name,
        error.message,
        error.code ?? null,
        error.at,
      ])
    case 'redrive': {
      const redrive = value as Redrive | undefined
      return redrive === undefined ? null : [redrive.orderKey, redrive.expiresAt]
    }
    case 'ends': {
      const ends = value as readonly number[]
      return ends.map((entry, i) => (i % 2 === 1 || i === 0 ? entry : entry - ends[i - 2]!))
    }
    case 'optional text':
      return value ?? null
    default:
      return value
  }
}
