import { wallNow } from '../../log/real-time.js'
import { property } from '../recorded-error.js'
import { at, numberAt, textAt } from './rule.js'

/** Where an answer's headers may be, seen from an error. */
const HEADERS: readonly (readonly string[])[] = [
  ['headers'],
  ['response', 'headers'],
  ['$response', 'headers'],
  ['$metadata', 'httpHeaders'],
]

/** Where its body may be, parsed or as text. */
const BODIES: readonly (readonly string[])[] = [
  [],
  ['body'],
  ['data'],
  ['rawError'],
  ['response', 'data'],
  ['response', 'body'],
]

/** Where in a body the wait stands, in seconds. */
const SECONDS: readonly (readonly string[])[] = [['parameters', 'retry_after'], ['retry_after']]

/**
 * How long the receiver asked to wait, in ms; undefined where it did not say. The body's word is finer than the
 * header's. One that refuses and names no time at all (0, or a date that is past) has not said: taken by its word it
 * would be asked again without a pause, by attempts that cost nothing, for as long as it refuses.
 */
export function retryAfterMs(error: unknown): number | undefined {
  return fromBody(error) || fromHeaders(error) || undefined
}

/** A header of the answer that an error carries, from a `Headers` or a plain object. */
export function header(error: unknown, name: string): string | undefined {
  for (const path of HEADERS) {
    const headers = at(error, ...path)
    const value = valueIn(headers, name)
    if (value !== undefined) return value
  }
  return undefined
}

/** Seconds, or an HTTP date (RFC 9110, 10.2.3); `now` is epoch ms by the clock of whoever wrote it. */
export function parseRetryAfter(value: string, now: number): number | undefined {
  const text = value.trim()
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000)
  // Date.parse takes nearly anything for a date; an HTTP date begins with the name of a day.
  if (!/^(mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function fromBody(error: unknown): number | undefined {
  for (const path of BODIES) {
    const body = parsed(at(error, ...path))
    for (const place of SECONDS) {
      const seconds = numberAt(body, ...place)
      if (seconds !== undefined && seconds >= 0) return Math.ceil(seconds * 1000)
    }
  }
  return undefined
}

function fromHeaders(error: unknown): number | undefined {
  const ms = header(error, 'retry-after-ms')
  if (ms !== undefined && /^\d+(\.\d+)?$/.test(ms)) return Math.ceil(Number(ms))
  const value = header(error, 'retry-after')
  if (value === undefined) return undefined
  // A date is by the clock of whoever wrote it, and so is the answer's own: the difference needs no clock of ours.
  const sentAt = Date.parse(header(error, 'date') ?? '')
  return parseRetryAfter(value, Number.isNaN(sentAt) ? wallNow() : sentAt)
}

function parsed(body: unknown): unknown {
  // Longer ones are pages for people, not answers.
  if (typeof body !== 'string' || body.length > 16_384 || !body.trimStart().startsWith('{')) return body
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function valueIn(headers: unknown, name: string): string | undefined {
  const get = property(headers, 'get')
  if (typeof get === 'function') {
    try {
      const value: unknown = get.call(headers, name)
      return typeof value === 'string' ? value : undefined
    } catch {
      return undefined
    }
  }
  if (typeof headers !== 'object' || headers === null) return undefined
  for (const key of Object.keys(headers)) {
    if (key.toLowerCase() !== name) continue
    const value = at(headers, key)
    if (Array.isArray(value)) return value.length > 0 ? String(value[0]) : undefined
    return typeof value === 'number' ? String(value) : textAt(headers, key)
  }
  return undefined
}
