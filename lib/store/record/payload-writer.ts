/**
 * Writes a payload that MessagePack brings back unchanged, and finds values that it cannot carry. It walks
 * the payload once, so that no getter is asked twice and nothing unchecked is read.
 */
import { types } from 'node:util'
import { Packr } from 'msgpackr'
import { recordBuffer as out } from '../../log/commit/record-buffer.js'
import {
  ARRAY_16,
  ARRAY_32,
  BIN_8,
  BIN_16,
  BIN_32,
  FALSE,
  MAP_16,
  MAP_32,
  NIL,
  SMALL_ARRAY,
  SMALL_MAP,
  TRUE,
} from './message-pack-bytes.js'
import { writeAscii, writeLength, writeNumber, writeUtf8 } from './message-pack-writer.js'

/**
 * Deeper payloads are refused: encoder and decoder recurse and must not run out of stack within a message.
 */
export const MAX_PAYLOAD_DEPTH = 256

/** The real one, whatever fake timers are installed later. */
const NativeDate = Date.prototype.constructor as DateConstructor

const MIN_BIGINT = -(2n ** 63n)
const MAX_BIGINT = 2n ** 64n - 1n
/** For arrays and maps whose length is in their first byte. */
const SMALL_ENTRIES = 15
const MAX_LENGTH_BYTES = 5

export type UnfitReason =
  | 'function'
  | 'symbol'
  | 'surrogate'
  | 'surrogate in a key'
  | 'prototype as a key'
  | 'symbol as a key'
  | 'bigint'
  | 'invalid date'
  | 'hole'
  | 'array with keys'
  | 'instance'
  | 'too deep'
  | 'too large'

/**
 * A value that cannot be carried, and its path. Each level adds its key on the way up, so that a good payload
 * costs no path.
 */
export class UnfitPayload extends Error {
  readonly reason: UnfitReason
  readonly value: unknown
  /** From the value up to the root. */
  readonly keys: (string | number)[] = []
  /** The containers, in step with `keys`. */
  readonly containers: object[] = []

  constructor(reason: UnfitReason, value: unknown) {
    super(reason)
    this.reason = reason
    this.value = value
  }

  within(container: object, key: string | number): this {
    this.keys.push(key)
    this.containers.push(container)
    return this
  }
}

/**
 * Reads what is written here, and writes rare values. `moreTypes`: a Uint8Array comes back as one, not as a
 * Buffer. `variableMapSize`: maps of more than 65,535 keys. No `useToJSON`: in validated data that name is a
 * key like any other.
 */
export const payloadCodec = new Packr({
  useRecords: false,
  variableMapSize: true,
  copyBuffers: true,
  moreTypes: true,
  useToJSON: false,
})

/**
 * Writes it as a `bin` of its packed bytes; returns their number. Throws `UnfitPayload`, and whatever a
 * getter or a proxy throws. Stops early if the record exceeds `maxBytes`.
 */
export function writePayload(payload: unknown, maxBytes: number): number {
  const start = out.at - out.from
  // Room for a short length, the usual case.
  out.reserve(2)
  out.at += 2
  const unfit = writeValue(payload, 0, maxBytes)
  if (unfit !== undefined) throw unfit
  const length = out.at - out.from - start - 2
  if (length > 0xff) out.insert(start + 2, length > 0xffff ? 3 : 1)
  const end = out.at
  out.at = out.from + start
  writeLength(length, BIN_8, BIN_16, BIN_32)
  out.at = end
  return length
}

function writeValue(value: unknown, depth: number, maxBytes: number): UnfitPayload | undefined {
  const written = out.at - out.from
  if (written > maxBytes) return new UnfitPayload('too large', value)
  switch (typeof value) {
    case 'string':
      if (writeAscii(value)) return undefined
      if (written + value.length > maxBytes) return new UnfitPayload('too large', value)
      if (!isWellFormed(value)) return new UnfitPayload('surrogate', value)
      writeUtf8(value)
      return undefined
    case 'number':
      writeNumber(value)
      return undefined
    case 'boolean':
      out.reserve(1)
      out.bytes[out.at++] = value ? TRUE : FALSE
      return undefined
    case 'object':
      if (value !== null) return writeObject(value, depth, maxBytes)
      out.reserve(1)
      out.bytes[out.at++] = NIL
      return undefined
    case 'undefined':
      writePacked(value)
      return undefined
    case 'bigint':
      if (value < MIN_BIGINT || value > MAX_BIGINT) return new UnfitPayload('bigint', value)
      writePacked(value)
      return undefined
    case 'function':
      return new UnfitPayload('function', value)
    default:
      return new UnfitPayload('symbol', value)
  }
}

function writeObject(value: object, depth: number, maxBytes: number): UnfitPayload | undefined {
  if (depth >= MAX_PAYLOAD_DEPTH) return new UnfitPayload('too deep', value)
  if (Array.isArray(value)) return writeArray(value, depth, maxBytes)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return writeMap(value, depth, maxBytes)
  if (prototype === Buffer.prototype || prototype === Uint8Array.prototype) {
    if (!types.isUint8Array(value)) return new UnfitPayload('instance', value)
    if (out.at - out.from + value.length > maxBytes) return new UnfitPayload('too large', value)
    writePacked(namesClass(value) ? plainBytes(value) : value)
    return undefined
  }
  if (prototype === Date.prototype && types.isDate(value)) {
    if (Number.isNaN(value.getTime())) return new UnfitPayload('invalid date', value)
    writePacked(namesClass(value) ? plainDate(value) : value)
    return undefined
  }
  if (isForeignObjectPrototype(prototype as object)) return writeMap(value, depth, maxBytes)
  return new UnfitPayload('instance', value)
}

/** Whether it has a property that the encoder would take for its class. Dates of fake timers have one. */
function namesClass(value: object): boolean {
  return Object.hasOwn(value, 'constructor')
}

function plainBytes(value: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = value
  return Buffer.isBuffer(value)
    ? Buffer.from(buffer, byteOffset, byteLength)
    : new Uint8Array(buffer, byteOffset, byteLength)
}

function plainDate(value: Date): Date {
  return new NativeDate(value.getTime())
}

/** `Object.prototype` of another realm (a vm context, as in test runners): its plain objects are accepted. */
function isForeignObjectPrototype(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

function writeMap(value: object, depth: number, maxBytes: number): UnfitPayload | undefined {
  const start = out.at - out.from
  // Room for a short length, the usual case.
  out.reserve(1)
  out.at += 1
  let entries = 0
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue
    if (key === '__proto__') return new UnfitPayload('prototype as a key', value).within(value, key)
    if (!writeAscii(key)) {
      if (out.at - out.from + key.length > maxBytes) return new UnfitPayload('too large', key)
      if (!isWellFormed(key)) return new UnfitPayload('surrogate in a key', value).within(value, key)
      writeUtf8(key)
    }
    const unfit = writeValue((value as Record<string, unknown>)[key], depth + 1, maxBytes)
    if (unfit !== undefined) return unfit.within(value, key)
    entries += 1
  }
  if (Object.getOwnPropertySymbols(value).length > 0) return new UnfitPayload('symbol as a key', value)
  if (entries <= SMALL_ENTRIES) out.bytes[out.from + start] = SMALL_MAP | entries
  else writeEntries(entries, start)
  return undefined
}

/** Writes the length of a map whose entries follow the room for one byte. */
function writeEntries(entries: number, start: number): void {
  out.insert(start + 1, entries > 0xffff ? 4 : 2)
  const end = out.at
  out.at = out.from + start
  writeLength(entries, undefined, MAP_16, MAP_32)
  out.at = end
}

function writeArray(value: readonly unknown[], depth: number, maxBytes: number): UnfitPayload | undefined {
  // The prototype of a plain array, of any realm, is an array itself; that of a subclass is not.
  if (!Array.isArray(Object.getPrototypeOf(value))) return new UnfitPayload('instance', value)
  const { length } = value
  out.reserve(MAX_LENGTH_BYTES)
  if (length <= SMALL_ENTRIES) out.bytes[out.at++] = SMALL_ARRAY | length
  else writeLength(length, undefined, ARRAY_16, ARRAY_32)
  for (let index = 0; index < length; index += 1) {
    const element = value[index]
    if (element === undefined && !Object.hasOwn(value, index))
      return new UnfitPayload('hole', element).within(value, index)
    const unfit = writeValue(element, depth + 1, maxBytes)
    if (unfit !== undefined) return unfit.within(value, index)
  }
  // Without holes, more keys than elements means named keys. Symbols are checked too.
  if (Object.keys(value).length !== length || Object.getOwnPropertySymbols(value).length > 0)
    return new UnfitPayload('array with keys', value)
  return undefined
}

function writePacked(value: unknown): void {
  const packed = payloadCodec.pack(value)
  out.reserve(packed.length)
  out.bytes.set(packed, out.at)
  out.at += packed.length
}

/** Whether UTF-8 can carry the text. */
export function isWellFormed(text: string): boolean {
  // In Node since 20; TypeScript's configured library is older.
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}
