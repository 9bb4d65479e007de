import { MAX_BODY_LENGTH, parsedBody } from '../../errors/platform-text.js'
import { isError, property } from '../../errors/property.js'
import { headersIn } from './headers.js'
import { statusIn } from './status.js'
import { waitMsIn } from './wait.js'

/**
 * Where clients and platforms put an answer or a part of it, seen from the error or from another such place.
 */
const HOLDERS: readonly string[] = [
  'response',
  'res',
  '$response',
  '$metadata',
  'output',
  'data',
  'body',
  'responseBody',
  'rawResponse',
  'rawError',
  'error',
  'err',
  'errors',
  'errorInfo',
  'errorResponse',
  'result',
  'results',
  'messages',
  'parameters',
  'response_metadata',
  'details',
  'statusDetails',
  'extensions',
  'meta',
  'metadata',
  'message',
]

/** How many places are looked at, at most: an error may hold anything, even itself. */
const MAX_PLACES = 32
/** How many items of each list: the first few tell what the others do. */
const MAX_HELD = 4
/** How many texts and bytes are parsed, at most. */
const MAX_PARSED = 8
const MAX_TEXT_LENGTH = 2_000

/** What one error says, read once. Errors that it wraps have readings of their own. */
export class Reading {
  readonly error: unknown
  /** The error itself, and all that it holds of an answer, the nearest first. */
  readonly places: readonly object[]
  readonly name: string
  readonly message: string
  /** Keyed by names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  #status: number | undefined | null = null
  #waitMs: number | undefined | null = null

  constructor(error: object) {
    this.error = error
    this.places = placesOf(error)
    this.name = textOf(error, 'name')
    this.message = textOf(error, 'message')
    this.headers = headersIn(this.places)
  }

  /** The HTTP status. */
  get status(): number | undefined {
    if (this.#status === null) this.#status = statusIn(this.places, this.message)
    return this.#status
  }

  /** How long the receiver asked to wait, in ms; undefined if it did not say. */
  get waitMs(): number | undefined {
    if (this.#waitMs === null) this.#waitMs = waitMsIn(this)
    return this.#waitMs
  }

  /** Whether an answer came, and not just a status that a client made up. */
  get hasAnswer(): boolean {
    return this.headers.size > 0 || ANSWERS.some(name => property(this.error, name) != null)
  }
}

const ANSWERS: readonly string[] = [
  'response',
  '$response',
  '$metadata',
  'body',
  'responseBody',
  'data',
  'rawError',
]

function placesOf(error: object): readonly object[] {
  const places: object[] = [error]
  let parsed = 0
  const parse = (body: string | Uint8Array) => (parsed++ < MAX_PARSED ? parsedBody(body) : undefined)
  for (let index = 0; index < places.length; index++) {
    for (const name of HOLDERS) {
      if (places.length >= MAX_PLACES) return places
      let value = property(places[index], name)
      if (isBody(value)) value = parse(value)
      for (const held of Array.isArray(value) ? value.slice(0, MAX_HELD) : [value]) {
        if (typeof held !== 'object' || held === null || places.includes(held)) continue
        // Wrapped errors are read by themselves.
        if (!isError(held)) places.push(held)
      }
    }
  }
  return places
}

function isBody(value: unknown): value is string | Uint8Array {
  if (value instanceof Uint8Array) return value.byteLength <= MAX_BODY_LENGTH
  return typeof value === 'string' && value.length <= MAX_BODY_LENGTH && /^\s*[{[]/.test(value)
}

function textOf(error: object, name: string): string {
  const text = property(error, name)
  return typeof text === 'string' ? text.slice(0, MAX_TEXT_LENGTH) : ''
}
