import { property } from './recorded-error.js'

/** No more of a refusal's body is read: it is for a person, and for the wait that it may name. */
const MAX_BODY_BYTES = 16_384

/** A refusal that `send` returned instead of throwing: a `Response` whose `ok` is false, or a body that says so. */
export class ResponseError extends Error {
  override readonly name = 'ResponseError'
  readonly status: number | undefined
  readonly headers: unknown
  /** Parsed, where it was JSON. */
  readonly body: unknown
  readonly response: unknown

  constructor(response: unknown, body: unknown) {
    const status = statusOf(response)
    super(describe(response, status, body))
    this.status = status
    this.headers = property(response, 'headers')
    this.body = body
    this.response = response
  }
}

/** Whether what `send` returned says that it failed: `ok` is false, and something beside it says how. */
export function isRefusal(value: unknown): boolean {
  if (property(value, 'ok') !== false) return false
  return statusOf(value) !== undefined || typeof property(value, 'error') === 'string'
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
  const getReader = property(body, 'getReader')
  if (typeof getReader !== 'function') return body === undefined ? response : body
  if (property(response, 'bodyUsed') === true || property(body, 'locked') === true) return undefined
  try {
    return parse(await readStart(body as ReadableStream<Uint8Array>))
  } catch {
    // The status alone must do: the body broke off.
    return undefined
  }
}

async function readStart(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  try {
    for (let bytes = 0; bytes < MAX_BODY_BYTES; ) {
      const { done, value } = await reader.read()
      if (done) break
      bytes += value.byteLength
      text += decoder.decode(value, { stream: true })
    }
  } finally {
    reader.cancel().catch(() => {})
  }
  return text.slice(0, MAX_BODY_BYTES)
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
