/**
 * A message as one JSON object: how the command line takes messages in and gives dead letters out, and how a
 * request carries them to an owner. What JSON cannot carry (bytes, dates, bigints, undefined) travels as
 * MessagePack.
 */
import { decodePayload } from '../../store/record/message.js'
import type { MessageView, OutboundMessage } from '../types.js'
import { quoteText } from '../validation/quote.js'
import { nearest, Refusal } from '../validation/validators.js'

const TAKEN = ['id', 'channel', 'headers', 'deliverAt', 'delayMs', 'ttlMs', 'priority'] as const

/** What an exported message tells of its past: it means nothing to a message that is enqueued anew. */
const TOLD = [
  'sequence',
  'state',
  'enqueuedAt',
  'attempts',
  'mayHaveBeenSent',
  'nextAttemptAt',
  'expiresAt',
  'diedAt',
  'deadReason',
  'lastError',
  'history',
]

const PAYLOAD = 'payload'
/** The payload's own MessagePack, in base64. */
const PACKED = 'packedPayload'
const KNOWN = [...TAKEN, PAYLOAD, PACKED, ...TOLD]

/**
 * Throws `Refusal` where it is not the form of a message; whether it is a good one is for `enqueue` to say.
 */
export function messageOfLine(value: unknown): OutboundMessage {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal('it must be a JSON object with "channel" and "payload"')
  }
  const line = value as Record<string, unknown>
  const message: Record<string, unknown> = {}
  for (const key of Object.keys(line)) {
    if ((TAKEN as readonly string[]).includes(key)) message[key] = line[key]
    else if (!KNOWN.includes(key)) throw unknownKey(key)
  }
  const packed = line[PACKED]
  if (Object.hasOwn(line, PAYLOAD) === (packed !== undefined)) {
    throw new Refusal(
      packed === undefined
        ? 'it has no "payload"'
        : `it has both "${PAYLOAD}" and "${PACKED}": give one of them`,
    )
  }
  message.payload = packed === undefined ? line.payload : unpack(packed)
  return message as unknown as OutboundMessage
}

/** `packedPayload`: the payload as it stands in the log. */
export function lineOfMessage(view: MessageView, packedPayload: Uint8Array): Record<string, unknown> {
  const { payload, ...told } = view
  const carried = isFaithfulInJson(payload)
    ? { payload }
    : { [PACKED]: Buffer.from(packedPayload).toString('base64') }
  const { id, channel, headers, ...past } = told
  return { id, channel, ...carried, ...(Object.keys(headers).length > 0 && { headers }), ...past }
}

function unpack(packed: unknown): unknown {
  const isBase64 = typeof packed === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(packed)
  if (!isBase64) throw new Refusal(`"${PACKED}" must be MessagePack in base64`)
  try {
    return decodePayload(Buffer.from(packed, 'base64'), 'The message')
  } catch {
    throw new Refusal(`"${PACKED}" must be MessagePack in base64, and these bytes are not`)
  }
}

function unknownKey(key: string): Refusal {
  const near = nearest(key, [...TAKEN, PAYLOAD])
  const hint = near === undefined ? `Known are ${[...TAKEN, PAYLOAD].join(', ')}.` : `Did you mean "${near}"?`
  return new Refusal(`it has an unknown property ${quoteText(key, 60)}. ${hint}`)
}

/** Whether what JSON makes of a value is the value. */
export function isFaithfulInJson(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
    case 'object':
      if (value === null) return true
      if (Array.isArray(value)) return value.every(isFaithfulInJson)
      // A key of this name would become the object's prototype in many a reader of JSON.
      if (Object.getPrototypeOf(value) !== Object.prototype || Object.hasOwn(value, '__proto__')) return false
      return Object.values(value).every(isFaithfulInJson)
    default:
      return false
  }
}
