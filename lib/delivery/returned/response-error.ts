import { platformText } from '../errors/platform-text.js'
import { isText, property } from '../errors/property.js'
import { publicText } from '../redact/redact.js'
import { isPlain } from './answer.js'

const MAX_MESSAGE_LENGTH = 500
const MAX_FIGURES = 4

/**
 * A refusal that `send` returned instead of throwing: a `Response` whose `ok` is false, or an answer that
 * refuses. It prints only its message and status: the headers, the body and the URL of a response are private
 * (Telegram puts the bot's token in the URL).
 */
export class ResponseError extends Error {
  override readonly name = 'ResponseError'
  readonly status: number | undefined
  readonly #body: unknown
  readonly #response: unknown

  constructor(response: unknown, body: unknown) {
    const status = statusOf(response) ?? statusOf(body)
    super(describe(response, status, body))
    this.status = status
    this.#body = body
    this.#response = response
  }

  get headers(): unknown {
    return property(this.#response, 'headers')
  }

  /** Parsed if it was JSON. */
  get body(): unknown {
    return this.#body
  }

  get response(): unknown {
    return this.#response
  }
}

export function statusOf(response: unknown): number | undefined {
  for (const name of ['status', 'statusCode', 'error_code']) {
    const status = property(response, name)
    if (typeof status === 'number' && status >= 100 && status < 600) return status
  }
  return undefined
}

function describe(response: unknown, status: number | undefined, body: unknown): string {
  const head = status === undefined ? 'Refused' : `HTTP ${status}`
  const statusText = property(response, 'statusText')
  const named = isText(statusText) ? `${head} ${statusText}` : head
  const said = platformText(body) ?? figuresOf(body)
  // Telegram's "Bad Request: chat not found" begins with the status's own text.
  const repeats = isText(statusText) && said.startsWith(statusText)
  const whole = repeats ? `${head} ${said}` : [named, said].filter(Boolean).join(': ')
  return publicText(whole, MAX_MESSAGE_LENGTH)
}

/** For an answer without words: `ok: false`, `Code: InternalError`. */
function figuresOf(body: unknown): string {
  if (!isPlain(body)) return ''
  return Object.entries(body)
    .filter(([name, value]) => isFigure(value) || (isText(value) && /code$/i.test(name)))
    .slice(0, MAX_FIGURES)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')
}

function isFigure(value: unknown): boolean {
  return typeof value === 'boolean' || typeof value === 'number'
}
