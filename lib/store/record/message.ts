/**
 * The record of a message: frame type 1 of the message log, one self-contained MessagePack array. The
 * envelope comes first and the user's payload last, packed inside a `bin`, so that recovery decodes the
 * envelope and steps over the payload.
 *
 *     [ together, id, channel, enqueuedAt, deliverAt, expiresAt, headers, payload, optional ]
 *
 *     together    nil, or [ index, count ]: the part of a `together` list that this is, as two 5-byte uint 32
 *     id, channel str
 *     enqueuedAt  number, in the queue's time
 *     deliverAt   number; 0: at once; above 0: an appointment, epoch ms by the wall clock; below 0: a delay,
 *                 and its negative is the moment of the queue's time
 *     expiresAt   number: ms of its time to live after enqueuedAt or the due time, whichever is later;
 *                 Infinity: never
 *     headers     map of str to str
 *     payload     bin
 *     optional    a map of optional fields by key; absent if none is used. Unknown keys are skipped, and
 *                 kept: compaction copies records as they are.
 *                 1: priority, -8 to 7
 *                 2: replaces, [ key, sequence, order key ]: of the message that it replaces, each a float;
 *                    both 0: of none
 */
import { Unpackr } from 'msgpackr'
import { recordBuffer } from '../../log/commit/record-buffer.js'
import { WaqError } from '../../log/errors/waq-error.js'
import { OptionalField, REPLACED_BYTES, writeEnvelope, writeOptional } from './envelope-writer.js'
import { payloadCodec, UnfitPayload, writePayload } from './payload-writer.js'

/** The frame type of a message in the message log. */
export const MESSAGE_FRAME_TYPE = 1

/** Which message another one replaces. */
export interface Replaces {
  /** Of both messages, in one channel. */
  readonly key: string
  /** Of the message that it replaces; 0: of none. */
  readonly sequence: number
  /** The place in the channel that it takes over; 0: none. */
  readonly orderKey: number
}

/** A validated message that has no sequence yet. */
export interface NewMessage {
  id: string
  /** False: the id is a fresh UUIDv7, never used before, so no duplicate is looked for. */
  idGiven: boolean
  channel: string
  payload: unknown
  headers: Record<string, string>
  /** In the queue's time. */
  enqueuedAt: number
  /** By the wall clock, or in the queue's time if it is `delayed`; 0: at once. */
  deliverAt: number
  /** Default false. */
  delayed?: boolean
  /** Its time to live after `enqueuedAt` or `deliverAt`, whichever is the later; Infinity: never. */
  expiresAt: number
  /** Undefined: its channel's. */
  priority?: number | undefined
  /** Which message it replaces is filled in when it is appended. */
  replaces?: Replaces | undefined
  /** A part of a list that dies together; its place there is filled in when the list is appended. */
  together: boolean
  /**
   * Must not be changed; its length is the record's size on disk (without the frame's header). Undefined
   * until it is made.
   */
  record?: Buffer | undefined
  /** Where the packed payload begins and ends in the record. */
  payloadFrom?: number | undefined
  payloadTo?: number | undefined
}

/**
 * What is kept once the record is encoded. One object for both, because young collections copy everything in
 * flight.
 */
export interface EncodedMessage extends Readonly<Omit<NewMessage, 'payload'>> {
  readonly record: Buffer
  readonly payloadFrom: number
  readonly payloadTo: number
}

/** What recovery needs of a record. `payload` is a view of the record's bytes. */
export interface Envelope {
  readonly together: { readonly index: number; readonly count: number } | undefined
  readonly id: string
  readonly channel: string
  readonly enqueuedAt: number
  readonly deliverAt: number
  readonly delayed: boolean
  readonly expiresAt: number
  readonly headers: Record<string, string>
  readonly payload: Uint8Array
  /** -8 to 7; undefined: its channel's. */
  readonly priority: number | undefined
  readonly replaces: Replaces | undefined
}

/** What the index takes from a message. */
export type Indexed = Pick<Envelope, 'id' | 'channel' | 'enqueuedAt' | 'deliverAt' | 'expiresAt'> & {
  readonly delayed?: boolean
  readonly priority?: number | undefined
  readonly replaces?: Replaces | undefined
}

export const ENVELOPE_FIELDS = 8
/** Sixteen values, so that one is a byte of MessagePack and four bits of an index. */
/** Of its name, in UTF-8. */
export const MAX_CHANNEL_BYTES = 512
export const MIN_PRIORITY = -8
export const MAX_PRIORITY = 7
/**
 * An index and a count that take the full 5 bytes of a uint 32 each, overwritten when the list is appended. A
 * valid pair, because the record of a duplicate is decoded without ever being placed.
 */
const UNPLACED = [0xffff_fffe, 0xffff_ffff] as const
/** After the first bytes of the array and the pair, and the first uint 32's marker. */
const TOGETHER_INDEX_OFFSET = 1 + 1 + 1
const TOGETHER_COUNT_OFFSET = TOGETHER_INDEX_OFFSET + 4 + 1

/** No `copyBuffers`: the payload stays a view. */
const envelopeDecoder = new Unpackr({ useRecords: false, copyBuffers: false })

/**
 * Makes the record of a message, in memory from which the next batch can be written. Releases the payload:
 * the caller's object need not live until the disk has it. Throws `UnfitPayload`, also if the record would
 * exceed `maxBytes`, and whatever a getter or a proxy in the payload throws.
 */
export function encodeMessage(message: NewMessage, maxBytes = Number.POSITIVE_INFINITY): EncodedMessage {
  const outer = recordBuffer.begin()
  try {
    const { priority, replaces } = message
    const hasOptional = priority !== undefined || replaces !== undefined
    const fields = hasOptional ? ENVELOPE_FIELDS + 1 : ENVELOPE_FIELDS
    writeEnvelope(fields, message.together ? UNPLACED : undefined, message)
    const payloadBytes = writePayload(message.payload, maxBytes)
    const payloadTo = recordBuffer.at - recordBuffer.from
    if (hasOptional) writeOptional(priority, replaces?.key)
    if (recordBuffer.at - recordBuffer.from > maxBytes) throw new UnfitPayload('too large', message.payload)
    message.record = recordBuffer.take()
    message.payloadFrom = payloadTo - payloadBytes
    message.payloadTo = payloadTo
    message.payload = undefined
    return message as EncodedMessage
  } finally {
    recordBuffer.finish(outer)
  }
}

/** Fills in which part of its `together` list a record is. It would spoil a record without room for that. */
export function placeInList(encoded: EncodedMessage, index: number, count: number): void {
  const { id, record, together } = encoded
  if (!together) throw new Error(`Message "${id}" was not encoded as a part of a list, but is one`)
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
  view.setUint32(TOGETHER_INDEX_OFFSET, index)
  view.setUint32(TOGETHER_COUNT_OFFSET, count)
}

/** Throws WAQ_UNSUPPORTED_VERSION for a frame of the message log that is no message. */
export function checkIsMessage(sequence: number, type: number): void {
  if (type === MESSAGE_FRAME_TYPE) return
  throw new WaqError(
    'WAQ_UNSUPPORTED_VERSION',
    `Frame ${sequence} of the message log is of type ${type}, which this waq does not know: a newer waq ` +
      'wrote it. Use that one, or a newer one.',
  )
}

/** Fills in which message a record replaces. */
export function nameReplaced(encoded: EncodedMessage, sequence: number, orderKey: number): void {
  const { id, record, replaces } = encoded
  if (replaces === undefined) throw new Error(`Message "${id}" was not encoded as one that replaces another`)
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
  const from = record.byteLength - REPLACED_BYTES
  view.setFloat64(from + 1, sequence)
  view.setFloat64(from + REPLACED_BYTES / 2 + 1, orderKey)
}

/** Decodes a record up to its payload. Throws WAQ_CORRUPT; `where` names the record in the error. */
export function decodeEnvelope(record: Uint8Array, where: string): Envelope {
  let fields: unknown
  try {
    fields = envelopeDecoder.unpack(record)
  } catch (cause) {
    throw corruptMessage(where, 'it is not one MessagePack value', cause)
  }
  if (!Array.isArray(fields)) throw corruptMessage(where, 'it is not a MessagePack array')
  if (
    fields.length > ENVELOPE_FIELDS &&
    !(fields.length === ENVELOPE_FIELDS + 1 && isMap(fields[ENVELOPE_FIELDS]))
  )
    throw corruptMessage(where, 'what stands behind its payload is not one map of optional fields')
  const [together, id, channel, enqueuedAt, deliverAt, expiresAt, headers, payload, optional] =
    fields as unknown[]
  if (typeof id !== 'string' || id === '') throw corruptMessage(where, 'its id is not a string')
  if (typeof channel !== 'string') throw corruptMessage(where, 'its channel is not a string')
  if (!isTime(enqueuedAt)) throw corruptMessage(where, 'its enqueue time is not a time')
  if (typeof deliverAt !== 'number' || Number.isNaN(deliverAt))
    throw corruptMessage(where, 'its deliver-at time is not a time')
  if (!isTime(expiresAt)) throw corruptMessage(where, 'its expiry time is not a time')
  if (!isHeaders(headers)) throw corruptMessage(where, 'its headers are not a map of strings')
  if (!(payload instanceof Uint8Array)) throw corruptMessage(where, 'its payload is not a bin')
  const priority = (optional as Record<number, unknown> | undefined)?.[OptionalField.priority]
  if (priority !== undefined && !isPriority(priority))
    throw corruptMessage(where, `its priority is not from ${MIN_PRIORITY} to ${MAX_PRIORITY}`)
  const replaces = (optional as Record<number, unknown> | undefined)?.[OptionalField.replaces]
  return {
    together: together === null ? undefined : decodePlace(together, where),
    id,
    channel,
    enqueuedAt,
    deliverAt: Math.abs(deliverAt),
    delayed: deliverAt < 0,
    expiresAt,
    headers,
    payload,
    priority,
    replaces: replaces === undefined ? undefined : decodeReplaces(replaces, where),
  }
}

/** Decodes the user's payload; the result shares no memory with `payload`. */
export function decodePayload(payload: Uint8Array, where: string): unknown {
  try {
    return payloadCodec.unpack(payload)
  } catch (cause) {
    throw corruptMessage(where, 'its payload is not one MessagePack value', cause)
  }
}

function decodePlace(together: unknown, where: string): { index: number; count: number } {
  if (Array.isArray(together) && together.length === 2) {
    const [index, count] = together as unknown[]
    if (isCount(index) && isCount(count) && index < count) return { index, count }
  }
  throw corruptMessage(where, 'its place in a list is not an index and a count')
}

function decodeReplaces(replaces: unknown, where: string): Replaces {
  if (Array.isArray(replaces) && replaces.length === 3) {
    const [key, sequence, orderKey] = replaces as unknown[]
    if (typeof key === 'string' && key !== '' && isCount(sequence) && isTime(orderKey))
      return { key, sequence, orderKey }
  }
  throw corruptMessage(where, 'what it replaces is not a key, a sequence and an order key')
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value)
}

function isCount(value: unknown): value is number {
  return isWhole(value) && value >= 0
}

function isPriority(value: unknown): value is number {
  return isWhole(value) && value >= MIN_PRIORITY && value <= MAX_PRIORITY
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function isHeaders(value: unknown): value is Record<string, string> {
  if (!isMap(value)) return false
  for (const key in value) {
    if (typeof value[key] !== 'string') return false
  }
  return true
}

function corruptMessage(where: string, problem: string, cause?: unknown): WaqError {
  return new WaqError(
    'WAQ_CORRUPT',
    `${where} is intact by its checksum and yet no message: ${problem}. Report this as a bug of the waq ` +
      'that wrote it.',
    cause === undefined ? {} : { cause },
  )
}
