import { Unpackr } from 'msgpackr'
import { WaqError } from '../../log/errors/waq-error.js'
import type { RecordedError } from '../message-store.js'
import type { AliveRecord, OtherRecord, Redrive } from './outcome.js'
import {
  deadReasons,
  type Field,
  type FieldType,
  HISTORY_LENGTH,
  type OutcomeFormat,
  type OutcomeKind,
  outcomeFormats,
  scopes,
} from './outcome-format.js'

/** Maps are Maps: the keys of optional fields are numbers. */
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false, copyBuffers: false })

const kindOfFrameType = new Map<number, OutcomeKind>(
  Object.entries(outcomeFormats).map(([kind, format]) => [format.frameType, kind as OutcomeKind]),
)

/**
 * Decodes an outcome that settles nothing, and checks the shape of every field: bytes with a valid checksum
 * may still come from a newer waq (WAQ_UNSUPPORTED_VERSION) or from a defect (WAQ_CORRUPT). `where` names the
 * record in these errors.
 */
export function decodeOutcome(
  frameType: number,
  bytes: Uint8Array,
  where: string,
): AliveRecord | OtherRecord {
  const kind = kindOfFrameType.get(frameType)
  if (kind === undefined) {
    throw unsupported(`${where} is an outcome of type ${frameType}, which this waq does not know`)
  }
  return decodeFields(outcomeFormats[kind], kind, bytes, where) as unknown as AliveRecord | OtherRecord
}

export function decodeFields(
  { fields, optional }: OutcomeFormat,
  kind: string,
  bytes: Uint8Array,
  where: string,
): Record<string, unknown> {
  let array: unknown
  try {
    array = unpackr.unpack(bytes)
  } catch (cause) {
    throw corrupt(where, kind, 'it is not one MessagePack value', cause)
  }
  if (!Array.isArray(array)) throw corrupt(where, kind, 'it is not a MessagePack array')
  const values: Record<string, unknown> = { kind }
  const take = ({ name, type }: Field, value: unknown): void => {
    const decoded = decodeField(type, value)
    if (decoded === invalid) throw corrupt(where, kind, `its field "${name}" is not a ${type}`)
    values[name] = decoded
  }
  for (let i = 0; i < fields.length; i += 1) take(fields[i]!, array[i])
  if (array.length === fields.length) return values
  const map: unknown = array[fields.length]
  if (!(map instanceof Map) || array.length > fields.length + 1)
    throw corrupt(where, kind, 'what stands behind its fields is not one map of optional ones')
  for (const field of optional ?? []) if (map.has(field.key)) take(field, map.get(field.key))
  return values
}

const invalid = Symbol('invalid')

function decodeField(type: FieldType, value: unknown): unknown {
  switch (type) {
    case 'sequence':
      return isWhole(value, 1) ? value : invalid
    case 'count':
      return isWhole(value, 0) ? value : invalid
    case 'time':
    case 'duration':
      return isFrom0(value) ? value : invalid
    case 'flag':
      return typeof value === 'boolean' ? value : invalid
    case 'text':
      return typeof value === 'string' ? value : invalid
    case 'texts':
      return isTexts(value) ? value : invalid
    case 'optional text':
      if (value === null) return undefined
      return typeof value === 'string' ? value : invalid
    case 'scope':
      return isWhole(value, 0) ? (scopes[value] ?? invalid) : invalid
    case 'reason':
      return isWhole(value, 0) ? (deadReasons[value] ?? invalid) : invalid
    case 'errors':
      return decodeErrors(value)
    case 'redrive':
      return decodeRedrive(value)
    case 'ends':
      return decodeEnds(value)
  }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every(text => typeof text === 'string')
}

function decodeErrors(value: unknown): RecordedError[] | typeof invalid {
  if (!Array.isArray(value) || value.length > HISTORY_LENGTH) return invalid
  const errors: RecordedError[] = []
  for (const entry of value as unknown[]) {
    if (!Array.isArray(entry) || entry.length !== 4) return invalid
    const [name, message, code, at] = entry as unknown[]
    if (typeof name !== 'string' || typeof message !== 'string' || !isFrom0(at)) return invalid
    if (code === null) errors.push({ name, message, at })
    else if (typeof code === 'string') errors.push({ name, message, code, at })
    else return invalid
  }
  return errors
}

function decodeEnds(value: unknown): number[] | typeof invalid {
  if (!Array.isArray(value) || value.length % 2 !== 0) return invalid
  const ends: number[] = []
  for (const [i, entry] of (value as unknown[]).entries()) {
    if (!isWhole(entry, i % 2)) return invalid
    ends.push(i % 2 === 1 || i === 0 ? entry : entry + ends[i - 2]!)
  }
  return ends
}

function decodeRedrive(value: unknown): Redrive | undefined | typeof invalid {
  if (value === null) return undefined
  if (!Array.isArray(value) || value.length !== 2) return invalid
  const [orderKey, expiresAt] = value as unknown[]
  // An order key may be a fraction or negative: "before what waits" has no lower end.
  if (typeof orderKey !== 'number' || !Number.isFinite(orderKey) || !isFrom0(expiresAt)) return invalid
  return { orderKey, expiresAt }
}

function isWhole(value: unknown, from: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= from
}

function isFrom0(value: unknown): value is number {
  return typeof value === 'number' && value >= 0
}

function unsupported(what: string): WaqError {
  return new WaqError(
    'WAQ_UNSUPPORTED_VERSION',
    `${what}: a newer waq wrote it. Use that one, or a newer one.`,
  )
}

function corrupt(where: string, kind: string, problem: string, cause?: unknown): WaqError {
  return new WaqError(
    'WAQ_CORRUPT',
    `${where} ("${kind}") is intact by its checksum and yet no outcome: ${problem}. Report this as a bug ` +
      'of the waq that wrote it.',
    cause === undefined ? {} : { cause },
  )
}
