import { types } from 'node:util'
import { WaqError } from '../../log/errors/waq-error.js'
import {
  decodeEnvelope,
  decodePayload,
  type EncodedMessage,
  encodeMessage,
  MAX_CHANNEL_BYTES,
  MAX_PRIORITY,
  MIN_PRIORITY,
  type NewMessage,
  type Replaces,
} from '../../store/record/message.js'
import { isWellFormed } from '../../store/record/payload-writer.js'
import { describeKind, quote, quoteText } from './quote.js'
import type { PayloadSchema } from './schema.js'
import { uuidv7 } from './uuidv7.js'
import { payloadFault } from './validate-payload.js'
import {
  abortSignal,
  field,
  flag,
  MAX_DATE_MS,
  oneOf,
  Refusal,
  refusalOf,
  refuse,
  refuseName,
  shape,
  whole,
  withRefusals,
} from './validators.js'

const MAX_ID_BYTES = 256
const MAX_HEADERS = 1_000
/** UTF-8 needs at most three bytes per UTF-16 unit, so short texts need not be measured. */
const MAX_UTF8_BYTES_PER_UNIT = 3

const NAMES = ['channel', 'payload', 'id', 'headers', 'deliverAt', 'delayMs', 'ttlMs', 'priority', 'replaces']
const NO_HEADERS: Record<string, string> = Object.freeze({})

export interface MessageContext {
  /** Epoch ms. */
  readonly nowMs: number
  readonly maxMessageBytes: number
  /** The message is part of a list that fails together. */
  readonly together: boolean
  /** The time to live of a message that sets none; Infinity: no limit. */
  ttlMsOf(channel: string): number
  readonly schema: PayloadSchema | undefined
}

/**
 * Reads, checks and encodes one message. The result shares nothing with the caller's object. Throws
 * WAQ_INVALID_MESSAGE or WAQ_TOO_LARGE; `name` is how errors refer to it: `message`, or `messages[3]`.
 */
export function encodeValidMessage(given: unknown, name: string, context: MessageContext): EncodedMessage {
  let message: NewMessage | undefined
  let encoded: EncodedMessage
  try {
    message = parseMessage(given, name, context)
    encoded = encodeMessage(message, context.maxMessageBytes)
  } catch (error) {
    const refusal = message === undefined ? error : payloadRefusal(error, name, message.id, context)
    throw refusalOf('WAQ_INVALID_MESSAGE', `The ${name}`, refusal)
  }
  // Checks the encoded payload: it is what comes back before `send`, and no getter is read twice.
  if (context.schema !== undefined) context.schema.check(payloadOf(encoded, name), name, encoded.id)
  return encoded
}

function payloadOf({ record }: EncodedMessage, name: string): unknown {
  return decodePayload(decodeEnvelope(record, name).payload, name)
}

/** Throws `Refusal`, or what a getter or a proxy throws. */
function parseMessage(message: unknown, name: string, context: MessageContext): NewMessage {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw new Refusal(
      `The ${name} must be an object with \`channel\` and \`payload\`, got ${describeKind(message)}.`,
    )
  }
  let channel: unknown
  let payload: unknown
  let id: unknown
  let headers: unknown
  let deliverAt: unknown
  let delayMs: unknown
  let ttlMs: unknown
  let priority: unknown
  let replaces: unknown
  let hasPayload = false
  // Only own properties count, each read once: a getter cannot return two different values.
  for (const key in message) {
    if (!Object.hasOwn(message, key)) continue
    const given = (message as Record<string, unknown>)[key]
    switch (key) {
      case 'channel':
        channel = given
        break
      case 'payload':
        payload = given
        hasPayload = true
        break
      case 'id':
        id = given
        break
      case 'headers':
        headers = given
        break
      case 'deliverAt':
        deliverAt = given
        break
      case 'delayMs':
        delayMs = given
        break
      case 'ttlMs':
        ttlMs = given
        break
      case 'priority':
        priority = given
        break
      case 'replaces':
        replaces = given
        break
      default:
        refuseName(`The ${name}`, key, NAMES)
    }
  }

  const checkedChannel = isName(channel, MAX_CHANNEL_BYTES)
    ? channel
    : parseChannel(channel, `${name}.channel`)
  if (!hasPayload) {
    throw new Refusal(`The ${name} has no \`payload\`. Pass \`payload: null\` for a message without one.`)
  }
  const idGiven = id !== undefined
  const checkedId = idGiven ? parseName(id, `${name}.id`, MAX_ID_BYTES, ID_HINT) : uuidv7(context.nowMs)
  const atOnce = deliverAt === undefined && delayMs === undefined
  const dueAt = atOnce ? 0 : parseDueTime(deliverAt, delayMs, name, context.nowMs)
  const lifetimeMs = ttlMs === undefined ? context.ttlMsOf(checkedChannel) : parseTtl(ttlMs, `${name}.ttlMs`)
  const expiresAt = Math.ceil((dueAt === 0 ? context.nowMs : dueAt) + lifetimeMs)
  return {
    id: checkedId,
    idGiven,
    channel: checkedChannel,
    payload,
    headers: headers === undefined ? NO_HEADERS : parseHeaders(headers, `${name}.headers`),
    enqueuedAt: context.nowMs,
    deliverAt: dueAt,
    delayed: deliverAt === undefined && dueAt !== 0,
    expiresAt: expiresAt > MAX_DATE_MS ? Infinity : expiresAt,
    priority: priority === undefined ? undefined : PRIORITY.parse(priority, `${name}.priority`),
    replaces: replaces === undefined ? undefined : parseReplaces(replaces, name, context.together),
    together: context.together,
    record: undefined,
    payloadFrom: undefined,
    payloadTo: undefined,
  }
}

/** Which message it replaces is known when it is appended. */
function parseReplaces(value: unknown, name: string, together: boolean): Replaces {
  if (together) {
    throw new Refusal(
      `${name}.replaces is given in a list with \`failTogether\`. Its parts are one message: none replaces ` +
        'another, or is replaced. Enqueue the message by itself.',
    )
  }
  const key = parseName(value, `${name}.replaces`, MAX_ID_BYTES, REPLACES_HINT)
  return { key, sequence: 0, orderKey: 0 }
}

export const PRIORITY = whole({ min: MIN_PRIORITY, max: MAX_PRIORITY })

const CHANNEL_HINT = 'It names the destination, such as "telegram:bot1:4711".'
const ID_HINT = 'It identifies the message; leave it out to get a UUIDv7, and hash one that is too long.'

const REPLACES_HINT = 'Messages of one channel with the same key replace each other while they wait.'

/** A quick check that accepts most names; the others go to `parseName`, which words the error. */
function isName(value: unknown, maxBytes: number): value is string {
  if (typeof value !== 'string' || value === '') return false
  return value.length * MAX_UTF8_BYTES_PER_UNIT <= maxBytes && isWellFormed(value)
}

/** Throws `Refusal`. */
export function parseChannel(value: unknown, name: string): string {
  return parseName(value, name, MAX_CHANNEL_BYTES, CHANNEL_HINT)
}

/** Throws `Refusal`. */
export function parseName(value: unknown, name: string, maxBytes: number, hint: string): string {
  const allowed = `a string of 1 to ${maxBytes} bytes in UTF-8`
  if (typeof value !== 'string' || value === '') return refuse(name, allowed, value, hint)
  if (value.length * MAX_UTF8_BYTES_PER_UNIT > maxBytes && Buffer.byteLength(value) > maxBytes) {
    throw new Refusal(
      `${name} must be ${allowed}, got one of ${Buffer.byteLength(value)} bytes: ${quoteText(value, 60)}. ` +
        `${hint}`,
    )
  }
  if (!isWellFormed(value)) {
    throw new Refusal(
      `${name} holds half a surrogate pair, which UTF-8 cannot carry: ${quoteText(value)}. Do not cut ` +
        'text between the halves of a character.',
    )
  }
  return value
}

/** The id of a message that a caller looks up. Throws `Refusal`. */
export const parseId = (value: unknown, name: string): string =>
  parseName(value, name, MAX_ID_BYTES, 'It is the id in the receipt of the message.')

/** The refusal for an error that encoding a message threw. */
function payloadRefusal(
  error: unknown,
  name: string,
  id: string,
  { maxMessageBytes }: MessageContext,
): Error {
  const fault = payloadFault(error)
  if (!fault.tooLarge) {
    const place = name === 'message' ? fault.path : `${name}.${fault.path}`
    return new Refusal(`${place} ${fault.problem}. ${fault.hint}`)
  }
  return new WaqError(
    'WAQ_TOO_LARGE',
    `The ${name} takes more than ${maxMessageBytes} bytes, which is limits.maxMessageBytes. ` +
      'Store the large part elsewhere and pass a reference to it, or raise the limit.',
    { ids: [id] },
  )
}

/** By the wall clock, for a delay in the queue's time; 0: at once. */
function parseDueTime(deliverAt: unknown, delayMs: unknown, name: string, nowMs: number): number {
  if (deliverAt !== undefined) {
    if (delayMs !== undefined) {
      throw new Refusal(`The ${name} has both \`deliverAt\` and \`delayMs\`. Give one of them.`)
    }
    const isDate = types.isDate(deliverAt)
    const at = isDate ? Date.prototype.getTime.call(deliverAt) : deliverAt
    if (typeof at === 'number' && at >= 0 && at <= MAX_DATE_MS) return Math.ceil(at)
    const got = isDate ? 'an invalid Date, or one before 1970' : quote(deliverAt)
    throw new Refusal(`${name}.deliverAt must be a Date or epoch ms from 0 to ${MAX_DATE_MS}, got ${got}.`)
  }
  const largest = MAX_DATE_MS - nowMs
  if (typeof delayMs === 'number' && delayMs >= 0 && delayMs <= largest) {
    return delayMs === 0 ? 0 : Math.ceil(nowMs + delayMs)
  }
  return refuse(`${name}.delayMs`, `a number of ms from 0 to ${largest}`, delayMs)
}

function parseTtl(value: unknown, name: string): number {
  if (typeof value === 'number' && value > 0) return value
  return refuse(name, 'a number of ms above 0, or Infinity', value)
}

function parseHeaders(headers: unknown, name: string): Record<string, string> {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    return refuse(name, 'an object of strings', headers)
  }
  const prototype: unknown = Object.getPrototypeOf(headers)
  // A Map, or the Headers of fetch, has no own properties: it would come out empty.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return refuse(name, 'a plain object of strings', headers, 'Pass Object.fromEntries(headers).')
  }
  const keys = Object.keys(headers)
  if (keys.length > MAX_HEADERS) {
    throw new Refusal(`${name} has ${keys.length} entries; at most ${MAX_HEADERS} are allowed.`)
  }
  const copy: Record<string, string> = {}
  for (const key of keys) {
    const value = (headers as Record<string, unknown>)[key]
    const place = `${name}[${quoteText(key, 60)}]`
    if (key === '__proto__') throw new Refusal(`${place} has a name that cannot be stored. Rename it.`)
    // Headers may carry secrets: the error gives only the kind of the value.
    if (typeof value !== 'string') throw new Refusal(`${place} must be a string, got ${describeKind(value)}.`)
    if (!isWellFormed(key) || !isWellFormed(value)) {
      throw new Refusal(`${place} holds half a surrogate pair, which UTF-8 cannot carry.`)
    }
    copy[key] = value
  }
  return copy
}

export interface ResolvedEnqueueOptions {
  readonly signal?: AbortSignal
  readonly onConflict: 'reject' | 'keep-first'
  readonly failTogether: boolean
}

const DEFAULTS: ResolvedEnqueueOptions = { onConflict: 'reject', failTogether: false }

const ENQUEUE_OPTIONS = shape<ResolvedEnqueueOptions>({
  signal: field(abortSignal),
  onConflict: field(oneOf('reject', 'keep-first'), 'reject'),
  failTogether: field(flag, false),
})

/** Throws WAQ_INVALID_OPTION. */
export function resolveEnqueueOptions(options: unknown): ResolvedEnqueueOptions {
  if (options === undefined) return DEFAULTS
  return withRefusals('WAQ_INVALID_OPTION', 'The options of enqueue', () =>
    ENQUEUE_OPTIONS.parse(options, 'options'),
  )
}
