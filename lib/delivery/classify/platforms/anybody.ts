import { property } from '../../property.js'
import type { Rule } from '../meaning.js'
import type { Reading } from '../reading.js'

/** Meta says of a failure that it will pass: https://developers.facebook.com/docs/graph-api/guides/error-handling */
export const isTransient: Rule = ({ places }) =>
  places.some(place => property(place, 'is_transient') === true) ? { means: 'retry' } : undefined

/**
 * An earlier request with this idempotency key still runs (draft-ietf-httpapi-idempotency-key-header, 2.6; Stripe's
 * `idempotency_key_in_use`, Resend's `concurrent_idempotent_requests`): the next answer will be its own.
 */
export const sameRequestRuns: Rule = reading => {
  if (reading.status !== 409) return undefined
  const text = textOf(reading)
  return /idempot/i.test(text) && RUNS.test(text) ? { means: 'retry' } : undefined
}

const RUNS =
  /in[_ -](?:use|progress|flight)|concurrent|outstanding|(?:being|still) (?:processed|processing|running)|currently/i

/** https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api: 403 or 429, at times without a wait. */
export const githubSecondaryLimit: Rule = reading => {
  const { places, status, waitMs } = reading
  const isGitHub = places.some(place => typeof property(place, 'documentation_url') === 'string')
  return isGitHub && status === 403 && waitMs === undefined && /rate limit/i.test(textOf(reading))
    ? { means: 'limit' }
    : undefined
}

/**
 * An answer of 200, or with no status, that was found to refuse, in words that nobody here knows: known not delivered, and
 * whether it helps to try again is not told. `ResponseError` is our own.
 */
export const refusedWithSuccess: Rule = ({ name, status }) =>
  name === 'ResponseError' && (status === undefined || (status >= 200 && status < 300))
    ? { means: 'retry' }
    : undefined

/** What the places say in words and names. */
function textOf({ places }: Reading): string {
  return places
    .flatMap(place =>
      ['name', 'code', 'type', 'title', 'error', 'message', 'detail'].map(name => property(place, name)),
    )
    .filter(text => typeof text === 'string')
    .map(text => text.slice(0, 300))
    .join('\n')
}
