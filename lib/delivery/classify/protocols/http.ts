import { property } from '../../errors/property.js'
import type { Reading } from '../reading/reading.js'
import { isUsedUp } from '../reading/wait.js'
import type { ErrorRule, Finding, Meaning } from './meaning.js'

/**
 * Statuses that do not mean what their class does: a 4xx refuses the message, a 3xx was not followed, any
 * other leaves it in doubt. A receiver that processed the message may answer 502 or 503 as well: a gateway
 * says so of a connection that broke after the request went on (nginx: "upstream prematurely closed
 * connection"; Envoy: "UC").
 */
const MEANINGS: readonly (readonly [status: number, means: Meaning, source: string])[] = [
  [401, 'halt', 'RFC 9110, 15.5.2: the credentials are the sender’s'],
  [402, 'halt', 'RFC 9110, 15.5.3: an account without money'],
  [407, 'halt', 'RFC 9110, 15.5.8: the credentials for a proxy'],
  [408, 'doubt', 'RFC 9110, 15.5.9: what it had got by then is unknown'],
  [412, 'retry', 'learn.microsoft.com, Teams, rate-limit: transient, as 502 and 504'],
  [420, 'limit', 'core.telegram.org/api/errors: FLOOD; Twitter’s of old'],
  [421, 'retry', 'RFC 9110, 15.5.20: another connection may do'],
  [423, 'retry', 'RFC 4918, 11.3: locked by another'],
  [425, 'not-sent', 'RFC 8470, 5.2: not processed'],
  [429, 'limit', 'RFC 6585, 4'],
  [502, 'unanswered', 'RFC 9110, 15.6.3'],
  [503, 'unanswered', 'RFC 9110, 15.6.4'],
  [504, 'unanswered', 'RFC 9110, 15.6.5'],
  [509, 'limit', 'Apache’s “Bandwidth Limit Exceeded”'],
  [511, 'unreachable', 'RFC 6585, 6: said by a network on the way, never by the receiver'],
  [520, 'unanswered', 'developers.cloudflare.com, 5xx: the origin broke off'],
  [521, 'unreachable', 'the same: the origin refuses connections'],
  [522, 'unanswered', 'the same: also where a connection that stood was not acknowledged'],
  [523, 'unreachable', 'the same: no route to the origin'],
  [524, 'unanswered', 'the same: no answer in time'],
  [525, 'unreachable', 'the same: no agreement on TLS'],
  [526, 'unreachable', 'the same: no certificate that is valid'],
  [529, 'not-sent', 'overloaded, as some APIs say it'],
  [530, 'unanswered', 'developers.cloudflare.com, 1xxx errors'],
]

const BY_STATUS = new Map(MEANINGS.map(([status, means]) => [status, means]))

/** Statuses that may mean a used-up window: GitHub says 403. */
const MAY_BE_LIMITS: ReadonlySet<number> = new Set([403, 420, 429])

export const httpStatus: ErrorRule = reading => {
  const { status } = reading
  if (status === undefined) return undefined
  const means = BY_STATUS.get(status) ?? ofClass(status)
  return limited(reading, status, means) ?? { means, reason: `HTTP ${status}` }
}

function ofClass(status: number): Meaning {
  // A redirect was not followed, and the message was not taken where it was sent. An error despite a success
  // is an answer that could not be read; a server fails at an unknown point.
  return status >= 300 && status < 500 ? 'permanent' : 'doubt'
}

/** A refusal that says when to come back is a limit, whatever its status (RFC 9110, 10.2.3). */
function limited(reading: Reading, status: number, means: Meaning): Finding | undefined {
  const isRefusal = status >= 400 && status < 500 && means !== 'doubt'
  const isLimit =
    means === 'limit' ||
    (MAY_BE_LIMITS.has(status) && isUsedUp(reading)) ||
    (reading.waitMs !== undefined && (isRefusal || status === 503 || status === 529))
  return isLimit ? { means: limitOf(reading) } : undefined
}

/** Discord says so when the limit is the bot's, not the channel's. */
export function limitOf({ headers, places, error }: Reading): 'limit' | 'limit-group' {
  const isForAll =
    headers.get('x-ratelimit-scope') === 'global' ||
    headers.get('x-ratelimit-global') === 'true' ||
    property(error, 'scope') === 'global' ||
    // In a limit of Discord or its client: elsewhere `global` may mean anything.
    places.some(
      place =>
        property(place, 'global') === true &&
        ['retry_after', 'retryAfter', 'timeToReset'].some(name => property(place, name) !== undefined),
    )
  return isForAll ? 'limit-group' : 'limit'
}
