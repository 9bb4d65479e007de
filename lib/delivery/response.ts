import { property } from './recorded-error.js'

/** No more of a refusal's body is read: it is for a person, and for the wait that it may name. */
const MAX_BODY_LENGTH = 16_384

/**
 * A refusal that `send` returned instead of throwing: a `Response` whose `ok` is false, or a body that says so. It is
 * printed with its message and its status alone: a response has the URL, in which Telegram has the bot's token, and its
 * headers and body are as private.
 */
export class ResponseError extends Error {
  override readonly name = 'ResponseError'
  readonly status: number | undefined
  readonly #body: unknown
  readonly #response: unknown

  constructor(response: unknown, body: unknown) {
    const status = statusOf(response)
    super(describe(response, status, body))
    this.status = status
    this.#body = body
    this.#response = response
  }

  get headers(): unknown {
    return property(this.#response, 'headers')
  }

  /** Parsed, where it was JSON. */
  get body(): unknown {
    return this.#body
  }

  get response(): unknown {
    return this.#response
  }
}

/**
 * Whether what `send` returned says that it failed: `ok` is false, and something beside it says how; or, as undici's
 * `request`, axios and got have it, there is no `ok`, but a status that is none of success, and headers.
 */
export function isRefusal(value: unknown): boolean {
  const ok = property(value, 'ok')
  const status = statusOf(value)
  if (ok === false) return status !== undefined || typeof property(value, 'error') === 'string'
  if (ok !== undefined || status === undefined || typeof property(value, 'headers') !== 'object') return false
  return status >= 300 && status < 600
}

/** Reads a refusal's body, where nobody did: it may say how long to wait, and unread it would hold its connection. */
export async function refusalError(response: unknown): Promise<ResponseError> {
  return new ResponseError(response, await readBody(response))
}

function statusOf(response: unknown): number | undefined {
  for (const name of ['status', 'statusCode', 'error_code']) {
    const status = property(response, name)
    if (typeof status === 'number') return status
  }
  return undefined
}

async function readBody(response: unknown): Promise<unknown> {
  const body = property(response, 'body')
  if (!isStream(body)) return body === undefined ? response : body
  if (isUsed(response) || isUsed(body)) return undefined
  try {
    return parse(await readStart(body))
  } catch {
    // The status alone must do: the body broke off.
    return undefined
  }
}

/** A stream of the web or of Node. */
function isStream(body: unknown): body is AsyncIterable<unknown> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}

function isUsed(body: unknown): boolean {
  return ['bodyUsed', 'locked', 'destroyed'].some(name => property(body, name) === true)
}

/** Leaving the loop cancels the stream. */
async function readStart(body: AsyncIterable<unknown>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of body) {
    text += typeof piece === 'string' ? piece : decoder.decode(piece as Uint8Array, { stream: true })
    if (text.length >= MAX_BODY_LENGTH) break
  }
  return text.slice(0, MAX_BODY_LENGTH)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function describe(response: unknown, status: number | undefined, body: unknown): string {
  const statusText = property(response, 'statusText')
  const head = [status === undefined ? 'Refused' : `HTTP ${status}`, statusText].filter(Boolean).join(' ')
  for (const place of [body, response]) {
    for (const name of ['description', 'error', 'message']) {
      const text = property(place, name)
      if (typeof text === 'string' && text !== '') return `${head}: ${text}`
    }
  }
  return typeof body === 'string' && body !== '' ? `${head}: ${body.slice(0, 200)}` : head
}
