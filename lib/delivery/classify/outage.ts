import { property } from '../errors/property.js'
import { find } from './finding.js'

/** How many wrapped errors are looked at, at most. */
const MAX_DEPTH = 8

/**
 * Whether a failed attempt is a sign that its receiver is down, whatever the message was: no connection, one
 * that broke before an answer came, an answer 502, 503 or 504 (or one of Cloudflare's), or no answer in time.
 * A refusal, a limit and a halt are answers, and so show that it is up. Never throws.
 */
export function isOutage(error: unknown): boolean {
  try {
    return isOne(error, MAX_DEPTH)
  } catch {
    return false
  }
}

function isOne(error: unknown, depth: number): boolean {
  const found = find(error)
  if (found === undefined || depth === 0) return false
  // An error's own verdict is about the message. The error that it wraps tells about the receiver.
  if ('verdict' in found) return isOne(property(error, 'cause'), depth - 1)
  return found.means === 'unreachable' || found.means === 'unanswered'
}
