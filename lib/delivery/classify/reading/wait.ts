import { wallNow } from '../../../log/runtime/real-time.js'
import { property } from '../../errors/property.js'

type Unit = 's' | 'ms'

/** The parts of an answer that `Reading` provides. */
interface Answer {
  readonly places: readonly object[]
  readonly headers: ReadonlyMap<string, string>
}

/** What bodies and clients call a wait, and its unit. */
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
 * Headers that tell when a window ends. They are in every answer, so they count only if the limit was hit.
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

/** From here on a number of seconds, or of ms, is a time since 1970, not a span. */
const EPOCH_SECONDS = 1e9
const EPOCH_MS = 1e12

/**
 * How long the receiver asked to wait, in ms; undefined if it did not say. The body is more precise than the
 * header. A wait of 0 or a date that is past does not count: the receiver would be asked again without a
 * pause, by attempts that cost nothing, for as long as it refuses.
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

/** How long until the used-up window ends, in ms; undefined if the answer names none. */
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

/** Whether the answer says that a window is used up. */
export function isUsedUp({ headers }: Pick<Answer, 'headers'>): boolean {
  return REMAINING.some(name => headers.get(name) === '0')
}

/**
 * A wait in ms: a number in this unit, or since 1970 if it is that large; a number with a unit of its own; an
 * HTTP date (RFC 9110, 10.2.3) or one of ISO 8601. `now` is epoch ms by the clock of the answer's sender.
 */
export function parseWait(value: unknown, unit: Unit, now: number): number | undefined {
  if (typeof value === 'number') return fromNumber(value, unit, now)
  if (typeof value === 'object') return fromObject(value, now)
  if (typeof value !== 'string' || value.length > 100) return undefined
  // A header that came twice is a list.
  const [, digits, suffix] = /^\s*(\d+(?:\.\d+)?)\s*(ms|s)?\s*(?:,|$)/.exec(value) ?? []
  if (digits !== undefined) return fromNumber(Number(digits), (suffix as Unit | undefined) ?? unit, now)
  // Date.parse takes nearly anything for a date; real ones begin with the name of a day, or a year.
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
 * A date is by the clock of the answer's sender, as is the answer's own date: the difference does not need
 * our clock.
 */
export function sentAt(headers: ReadonlyMap<string, string>): number {
  const sentAt = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(sentAt) ? wallNow() : sentAt
}
