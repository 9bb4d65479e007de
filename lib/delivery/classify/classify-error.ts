import type { Delivery, Verdict } from '../types.js'
import { find } from './finding.js'
import { verdictOf } from './protocols/meaning.js'

const ambiguous: Verdict = { kind: 'ambiguous' }

/**
 * The default classifier: what an error means for its message. It recognises errors by their shape and
 * imports no client. It looks at the error, then at what the error wraps (`cause`, `errors`, and the
 * properties of known clients). Timeouts, aborts, and errors that no rule recognises or that cannot be read
 * are ambiguous: the message may have been delivered. Never throws.
 *
 * `delivery` is the one that failed. A platform's answer that it took this very request before means
 * `delivered` only if the message may have been sent before (`mayHaveBeenSent`).
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
    // A revoked proxy, for one, throws on every access.
    return ambiguous
  }
}
