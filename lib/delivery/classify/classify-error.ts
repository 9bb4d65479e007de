import type { Delivery, Verdict } from '../types.js'
import { find } from './finding.js'
import { verdictOf } from './reading/meaning.js'

const ambiguous: Verdict = { kind: 'ambiguous' }

/**
 * What an error means for the message that it stopped: the default classifier. It knows errors by their shape
 * and imports no client. Looks at the error, then at what it wraps (`cause`, `errors`, and the properties of
 * known clients). What no rule recognises, time-outs and aborts among it, is ambiguous: it may have been
 * delivered. So is what cannot be looked at. Never throws.
 *
 * `delivery` is the one that failed. Only of one that may have been sent before (`mayHaveBeenSent`) a
 * platform's word that it took this very request already is `delivered`.
 */
export function classifyError(
  error: unknown,
  delivery?: Pick<Delivery<unknown>, 'mayHaveBeenSent'> | undefined,
): Verdict {
  try {
    const found = find(error)
    if (found === undefined) return ambiguous
    return 'means' in found ? verdictOf(found, delivery?.mayHaveBeenSent === true) : found.verdict
  } catch {
    // A revoked proxy, for one, throws whatever is asked of it.
    return ambiguous
  }
}
