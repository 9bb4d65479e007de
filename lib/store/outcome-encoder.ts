import { Packr } from 'msgpackr'
import type { RecordedError } from './message-store.js'
import type { OutcomeRecord, Redrive } from './outcome.js'
import { deadReasons, type FieldType, outcomeFormats, scopes } from './outcome-format.js'

const packr = new Packr({ useRecords: false, variableMapSize: true })

/** The bytes of an outcome, in a buffer of their own. */
export function encodeOutcome(record: OutcomeRecord): Uint8Array {
  const values = record as unknown as Readonly<Record<string, unknown>>
  const fields = outcomeFormats[record.kind].fields
  const array = new Array<unknown>(fields.length)
  for (let i = 0; i < fields.length; i += 1) {
    const field = fields[i]!
    array[i] = encodeField(field.type, values[field.name])
  }
  const packed = packr.pack(array)
  // What msgpackr returns is a slice of a slab of up to 2 MiB, which it would keep alive.
  const bytes = Buffer.allocUnsafe(packed.length)
  bytes.set(packed)
  return bytes
}

function encodeField(type: FieldType, value: unknown): unknown {
  switch (type) {
    case 'digest':
      return Buffer.from(value as string, 'latin1')
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
    case 'optional text':
      return value ?? null
    default:
      return value
  }
}
