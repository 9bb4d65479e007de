import { wallNow } from '../../../log/runtime/real-time.js'
import { property } from '../../errors/property.js'

type Unit = 's' | 'ms'

/** What an answer says, as `Reading` has it. */
interface Answer {
  readonly places: readonly object[]
  readonly headers: ReadonlyMap<string, string>
}

/** What a wait is called in a body, or by a client, and its unit. */
const NAMES: readonly (readonly [name: string, unit: Unit])[] = [
  // Matrix.
  ['retry_after_ms', 'ms'],
  ['retryAfterMs', 'ms'],
  // rate-limiter-flexible.
  ['msBeforeNext', 'ms'],
  // Telegram, Discord.
  ['retry_after', 's'],
  ['retryAfter', 's'],
  // Zulip.
  ['retry-after', 's'],
  ['retry_after_seconds', 's'],
  ['retryAfterSeconds', 's'],
  // Google: "3.5s".
  ['retryDelay', 's'],
]

/** Headers that tell how long to wait, the finest first. */
const HEADERS: readonly (readonly [name: string, unit: Unit])[] = [
  ['retry-after-ms', 'ms'],
  ['x-ms-retry-after-ms', 'ms'],
  // gRPC, proposal A6.
  ['grpc-retry-pushback-ms', 'ms'],
  ['retry-after', 's'],
]

/**
 * Headers that tell when a window ends. They stand in every answer, so they count where the limit was hit.
 */
const RESETS: readonly (readonly [name: string, unit: Unit])[] = [
  ['x-ratelimit-reset-after', 's'],
  ['ratelimit-reset', 's'],
  ['x-ratelimit-reset', 's'],
  ['x-rate-limit-reset', 's'],
  // Feishu.
  ['x-ogw-ratelimit-reset', 's'],
  // Linear.
  ['x-ratelimit-requests-reset', 's'],
]

const REMAINING: readonly string[] = [
  'x-ratelimit-remaining',
  'ratelimit-remaining',
  'x-rate-limit-remaining',
]

/** From here on a number of seconds, or of ms, is a moment since 1970 and no span. */
const EPOCH_SECONDS = 1e9
const EPOCH_MS = 1e12

/**
 * How long the receiver asked to wait, in ms; undefined where it did not say. The body's word is finer than
 * the header's. One that refuses and names no time at all (0, or a date that is past) has not said: taken by
 * its word it would be asked again without a pause, by attempts that cost nothing, for as long as it refuses.
 */
export function waitMsIn(answer: Answer): number | undefined {
  const now = sentAt(answer.headers)
  for (const place of answer.places) {
    for (const [name, unit] of NAMES) {
      const waitMs = parseWait(property(place, name), unit, now)
      if (waitMs !== undefined && waitMs > 0) return waitMs
    }
  }
  return inHeaders(answer.headers, HEADERS, now)
}

/** How long until the window ends that is used up, in ms; undefined where the answer tells of none. */
export function resetMsIn({ headers }: Pick<Answer, 'headers'>): number | undefined {
  for (const name of REMAINING) if (Number(headers.get(name) ?? 0) > 0) return undefined
  return inHeaders(headers, RESETS, sentAt(headers)) ?? inStructuredHeader(headers)
}

/**
 * `"default";r=0;t=30` (draft-ietf-httpapi-ratelimit-headers), `limit=5, remaining=0, reset=30` of its
 * earlier drafts.
 */
function inStructuredHeader(headers: ReadonlyMap<string, string>): number | undefined {
  const text = headers.get('ratelimit')?.slice(0, 200) ?? ''
  if (/\b(?:r|remaining)=[1-9]/.test(text)) return undefined
  const seconds = Number(/\b(?:t|reset)=(\d{1,9})\b/.exec(text)?.[1] ?? 0)
  return seconds > 0 ? seconds * 1000 : undefined
}

/** The answer says that a window is used up. */
export function isUsedUp({ headers }: Pick<Answer, 'headers'>): boolean {
  return REMAINING.some(name => headers.get(name) === '0')
}

/**
 * A wait in ms: a number in this unit, or since 1970 where it is as large; a number with a unit of its own;
 * an HTTP date (RFC 9110, 10.2.3) or one of ISO 8601. `now` is epoch ms by the clock of whoever wrote it.
 */
export function parseWait(value: unknown, unit: Unit, now: number): number | undefined {
  if (typeof value === 'number') return fromNumber(value, unit, now)
  if (typeof value === 'object') return fromObject(value, now)
  if (typeof value !== 'string' || value.length > 100) return undefined
  // A header that came twice is one list.
  const [, digits, suffix] = /^\s*(\d+(?:\.\d+)?)\s*(ms|s)?\s*(?:,|$)/.exec(value) ?? []
  if (digits !== undefined) return fromNumber(Number(digits), (suffix as Unit | undefined) ?? unit, now)
  // Date.parse takes nearly anything for a date; these begin with the name of a day, or a year.
  if (!/^\s*(?:(?:mon|tue|wed|thu|fri|sat|sun)|\d{4}-\d\d-\d\dT)/i.test(value)) return undefined
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** A date, or a `google.protobuf.Duration`. */
function fromObject(value: object | null, now: number): number | undefined {
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? undefined : Math.max(0, value.getTime() - now)
  const seconds = Number(property(value, 'seconds') ?? Number.NaN)
  return fromNumber(seconds + Number(property(value, 'nanos') ?? 0) / 1e9, 's', now)
}

function fromNumber(value: number, unit: Unit, now: number): number | undefined {
  if (!Number.isFinite(value) || value < 0) return undefined
  if (value >= EPOCH_MS) return Math.max(0, Math.ceil(value - now))
  if (unit === 'ms') return Math.ceil(value)
  if (value >= EPOCH_SECONDS) return Math.max(0, Math.ceil(value * 1000 - now))
  return Math.ceil(value * 1000)
}

function inHeaders(
  headers: ReadonlyMap<string, string>,
  names: readonly (readonly [name: string, unit: Unit])[],
  now: number,
): number | undefined {
  for (const [name, unit] of names) {
    const waitMs = parseWait(headers.get(name), unit, now)
    if (waitMs !== undefined && waitMs > 0) return waitMs
  }
  return undefined
}

/**
 * A date is by the clock of whoever wrote it, and so is the answer's own: the difference needs no clock of
 * ours.
 */
export function sentAt(headers: ReadonlyMap<string, string>): number {
  const sentAt = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(sentAt) ? wallNow() : sentAt
}
