import { find } from './finding.js'

/**
 * Whether a failed attempt is a sign that its receiver is down, whatever the message was: no connection, one that broke
 * before an answer came, an answer 502, 503 or 504 (or one of Cloudflare's), or no answer in time. A refusal, a limit and
 * a halt are answers, and so show that it is up. Never throws.
 */
export function isOutage(error: unknown): boolean {
  try {
    const found = find(error)
    return (
      found !== undefined &&
      'means' in found &&
      (found.means === 'unreachable' || found.means === 'unanswered')
    )
  } catch {
    return false
  }
}
