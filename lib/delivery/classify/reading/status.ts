import { STATUS_CODES } from 'node:http'
import { property } from '../../errors/property.js'

/** Names for a status, and for nothing else. */
const NAMES: readonly string[] = [
  'status',
  'statusCode',
  'status_code',
  'httpStatus',
  'httpStatusCode',
  'http_status',
  'httpCode',
]

/** Names that others use for numbers of their own, so only values that an error could have are taken. */
const CODES: readonly string[] = ['error_code', 'errorCode', 'code']

/** Beside these a code is not a status: it is Meta's, VK's, AMQP's, SMTP's or a system call's. */
const NO_STATUS_BESIDE: readonly string[] = [
  'fbtrace_id',
  'error_msg',
  'classId',
  'responseCode',
  'syscall',
  'ErrorCode',
]

/**
 * How clients begin the text of an error that has a status: axios, got, node-telegram-bot-api, ws, many a
 * program.
 */
const TEXT =
  /^(?:Request failed with status code|Response code|ETELEGRAM:|Unexpected server response:|HTTP(?: status| error)?:?) ([3-5]\d\d)\b/i

/**
 * The same by the status and its phrase: "429 Too Many Requests", "403: Forbidden: …"; grammY begins with
 * what it called.
 */
const PHRASE = /^(?:Call to '\w{1,60}' failed! \()?([3-5]\d\d):? (\w.*)/

/**
 * The HTTP status in an error: the nearest one that is a failure, since a client that cannot read an answer
 * of 200 has that beside what it wraps.
 */
export function statusIn(places: readonly object[], message: string): number | undefined {
  let success: number | undefined
  for (const place of places) {
    for (const name of NAMES) {
      const status = integer(property(place, name))
      if (status === undefined || status < 100 || status > 599) continue
      if (status >= 300) return status
      success ??= status
    }
  }
  // A refusal that came with 200 may have its own.
  return codeIn(places) ?? success ?? inText(message)
}

function codeIn(places: readonly object[]): number | undefined {
  for (const place of places) {
    if (NO_STATUS_BESIDE.some(name => property(place, name) !== undefined)) continue
    for (const name of CODES) {
      const code = integer(property(place, name))
      if (code !== undefined && code >= 300 && code <= 599) return code
    }
  }
  return undefined
}

function inText(message: string): number | undefined {
  const [, status, phrase] = PHRASE.exec(message.slice(0, 200)) ?? []
  if (status !== undefined && phrase!.startsWith(STATUS_CODES[status] ?? '\0')) return Number(status)
  return integer(TEXT.exec(message)?.[1])
}

/** Some write a number as text. */
function integer(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? value : undefined
  return typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : undefined
}
