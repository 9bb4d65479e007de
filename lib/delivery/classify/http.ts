import type { Verdict } from '../types.js'
import { header, retryAfterMs } from './retry-after.js'
import { ambiguous, at, notSent, numberAt, type Rule, rateLimited } from './rule.js'

/** Where clients keep the status: fetch and undici, Node, axios, got, Telegram's body and grammY, the AWS SDK. */
const STATUSES: readonly (readonly string[])[] = [
  ['status'],
  ['statusCode'],
  ['response', 'status'],
  ['response', 'statusCode'],
  ['error_code'],
  ['$metadata', 'httpStatusCode'],
]

/** What a status means for the message, where it does not mean what its class does. */
const MEANINGS: Readonly<Record<number, (status: number, error: unknown) => Verdict>> = {
  // The token is wrong, not the message.
  401: halted,
  407: halted,
  // The receiver (408) or something before it (504) stopped waiting; what it had got by then is unknown.
  408: () => ambiguous,
  425: () => notSent,
  429: (_, error) => rateLimited(retryAfterMs(error), isForAll(error) ? 'group' : undefined),
  500: () => ambiguous,
  502: () => notSent,
  503: (_, error) => {
    const afterMs = retryAfterMs(error)
    return afterMs === undefined ? notSent : rateLimited(afterMs)
  },
  504: () => ambiguous,
  // Cloudflare: the origin is down (521), can not be connected to (522), reached (523), or agreed with on TLS (525, 526).
  521: () => notSent,
  522: () => notSent,
  523: () => notSent,
  525: () => notSent,
  526: () => notSent,
  // Overloaded, as some APIs say it.
  529: () => notSent,
}

export const httpStatus: Rule = error => {
  const status = statusOf(error)
  if (status === undefined) return undefined
  const meaning = MEANINGS[status]
  if (meaning !== undefined) return meaning(status, error)
  // Redirects were not followed, and the message was not taken where it was sent.
  if (status >= 300 && status < 500) return { kind: 'permanent', reason: `HTTP ${status}` }
  // An error in spite of a success (an answer that could not be read), or a server's failure at an unknown point.
  return ambiguous
}

function halted(status: number): Verdict {
  return { kind: 'halt', reason: `HTTP ${status}` }
}

/** Discord says so when the limit is the bot's, not the channel's. */
function isForAll(error: unknown): boolean {
  const scope = header(error, 'x-ratelimit-scope')
  if (scope === 'global' || header(error, 'x-ratelimit-global') === 'true') return true
  return [['global'], ['body', 'global'], ['rawError', 'global'], ['response', 'data', 'global']].some(
    path => at(error, ...path) === true,
  )
}

export function statusOf(error: unknown): number | undefined {
  for (const path of STATUSES) {
    const status = numberAt(error, ...path)
    if (status !== undefined && Number.isInteger(status) && status >= 100 && status < 600) return status
  }
  return undefined
}
