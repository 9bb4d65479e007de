import { property } from '../../errors/property.js'
import { limitOf } from '../protocols/http.js'
import type { ErrorRule } from '../protocols/meaning.js'
import { metIn } from '../protocols/text.js'
import type { Reading } from '../reading/reading.js'

/**
 * Meta says that a failure is transient: https://developers.facebook.com/docs/graph-api/guides/error-handling
 */
export const isTransient: ErrorRule = ({ places }) =>
  places.some(place => property(place, 'is_transient') === true) ? { means: 'retry' } : undefined

/**
 * An earlier request with this idempotency key still runs (draft-ietf-httpapi-idempotency-key-header, 2.6;
 * Stripe's `idempotency_key_in_use`, Resend's `concurrent_idempotent_requests`): the next answer will be that
 * request's own.
 */
export const sameRequestRuns: ErrorRule = reading => {
  if (reading.status !== 409) return undefined
  const text = textOf(reading)
  return /idempot/i.test(text) && RUNS.test(text) ? { means: 'retry' } : undefined
}

const RUNS =
  /in[_ -](?:use|progress|flight)|concurrent|outstanding|(?:being|still) (?:processed|processing|running)|currently/i

/** “Too many requests”, whatever the code beside it: Feishu has one code for this and for a bad request. */
export const saysTooMany: ErrorRule = reading => {
  const { places, status } = reading
  const isRefusal = status === undefined || status < 500
  const says = (text: unknown) => typeof text === 'string' && /^too many (?:requests?|attempts)\b/i.test(text)
  return isRefusal &&
    places.some(place => ['msg', 'message', 'errmsg'].some(name => says(property(place, name))))
    ? { means: limitOf(reading) }
    : undefined
}

/**
 * https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api: 403 or 429, at times without
 * a wait.
 */
export const githubSecondaryLimit: ErrorRule = reading => {
  const { places, status, waitMs } = reading
  const isGitHub = places.some(place => typeof property(place, 'documentation_url') === 'string')
  return isGitHub && status === 403 && waitMs === undefined && /rate limit/i.test(textOf(reading))
    ? { means: 'limit' }
    : undefined
}

/**
 * An answer of 200, or with no status, that was found to refuse, in words that no rule knows: known not
 * delivered, without a hint whether trying again helps. The exception is a program whose text says that its
 * own request was lost or never went out. `ResponseError` is our own; others have no body beside the name.
 */
export const refusedWithSuccess: ErrorRule = reading => {
  const { error, name, status, places } = reading
  if (name !== 'ResponseError' || property(error, 'body') === undefined) return undefined
  if (status !== undefined && (status < 200 || status >= 300)) return undefined
  for (const place of places.slice(1)) {
    for (const key of ['error', 'message', 'reason']) {
      const text = property(place, key)
      const met = typeof text === 'string' ? metIn(text) : undefined
      if (met !== undefined) return met
    }
  }
  return { means: 'retry' }
}

/** The texts and names in the places. */
function textOf({ places }: Reading): string {
  return places
    .flatMap(place =>
      ['name', 'code', 'type', 'title', 'error', 'message', 'detail'].map(name => property(place, name)),
    )
    .filter(text => typeof text === 'string')
    .map(text => text.slice(0, 300))
    .join('\n')
}
