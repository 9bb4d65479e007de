import { at, isText, property } from './property.js'

/** No more of a body is read or parsed: it serves people, and may name a wait. */
export const MAX_BODY_LENGTH = 16_384
/** The longest text kept of a plain-text body. */
const MAX_PLAIN_LENGTH = 300

/** Where errors keep the platform's answer: axios, got, superagent; Slack; discord.js; Boom; Telegraf. */
const ANSWERS: readonly (readonly string[])[] = [
  ['response', 'data'],
  ['response', 'body'],
  ['data'],
  ['body'],
  ['rawError'],
  ['output', 'payload'],
  ['response'],
]

/** Where an answer has its error message, the most specific first. */
const SENTENCES: readonly (readonly string[])[] = [
  ['error', 'message'],
  ['error', 'error_msg'],
  ['error', 'description'],
  ['error', 'detail'],
  ['error', 'msg'],
  ['errors', '0', 'detail'],
  ['errors', '0', 'message'],
  ['errors', '0', 'description'],
  ['errors', '0', 'title'],
  ['errors', '0'],
  ['detail'],
  ['description'],
  ['error_description'],
  ['error_message'],
  ['error_msg'],
  ['errorMessage'],
  ['errmsg'],
  ['msg'],
  ['message'],
  ['Message'],
  ['status_message'],
  ['reason'],
  ['title'],
  ['wording'],
  ['error-text'],
  ['reject_reason'],
  ['Error', 'Message'],
  ['Response', 'Error', 'Message'],
  ['ErrorMessage'],
  ['Errors', '0', 'ErrorMessage'],
  ['Error'],
  ['response', 'reason'],
  ['header', 'resultMessage'],
  ['requestError', 'serviceException', 'text'],
  ['status', 'description'],
  ['ErrorInfo'],
  ['StatusMessage'],
  ['Details'],
]

/** The platform's text for its refusal, if there is one. */
export function platformText(answer: unknown): string | undefined {
  const body = parsedBody(answer)
  if (typeof body === 'string') return plain(body)
  const name = textAt(body, ['error']) ?? textAt(body, ['error', 'name'])
  for (const path of SENTENCES) {
    const sentence = textAt(body, path)
    if (sentence === undefined) continue
    return name === undefined || sentence.includes(name) ? sentence : `${name}: ${sentence}`
  }
  return name
}

/** The same for an error that carries the answer. */
export function platformTextOf(error: unknown): string | undefined {
  for (const path of ANSWERS) {
    const answer = at(error, ...path)
    const text = answer === undefined || isStream(answer) ? undefined : platformText(answer)
    if (text !== undefined) return text
  }
  return undefined
}

/** Parses JSON that a client left as text or bytes. */
export function parsedBody(body: unknown): unknown {
  const text = isBytes(body) && body.byteLength <= MAX_BODY_LENGTH ? new TextDecoder().decode(body) : body
  if (typeof text !== 'string' || text.length > MAX_BODY_LENGTH || !/^\s*[[{]/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A stream of the web or of Node. */
export function isStream(body: unknown): body is AsyncIterable<unknown> {
  return typeof property(body, Symbol.asyncIterator) === 'function'
}

function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value)
}

/** The beginning of a text; undefined for an HTML page, whose first lines say nothing. */
function plain(text: string): string | undefined {
  const trimmed = text.slice(0, MAX_PLAIN_LENGTH).trim()
  return trimmed === '' || trimmed.startsWith('<') ? undefined : trimmed
}

function textAt(value: unknown, path: readonly string[]): string | undefined {
  const text = path.length === 1 ? property(value, path[0]!) : at(value, ...path)
  return isText(text) ? text : undefined
}
