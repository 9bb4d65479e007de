import { classifyError } from './classify-error.js'
import { statusOf } from './http.js'
import { at, textAt } from './rule.js'

/** An answer that says: behind me nobody is there. */
const STATUSES: ReadonlySet<number> = new Set([502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 530])

/** Ours, and those of clients and of `AbortSignal.timeout`. */
const TIMEOUT = /timed? ?out/i

/** Wrapped errors looked at, at most. */
const MAX_DEPTH = 8

/**
 * Whether a failed attempt is a sign that its receiver is down, whatever the message was: no connection, an answer
 * 502, 503 or 504 (or one of Cloudflare's), or no answer in time. A refusal, a limit and a halt are answers, and so show
 * that it is up. Never throws.
 */
export function isOutage(error: unknown): boolean {
  const { kind } = classifyError(error)
  if (kind !== 'retry' && kind !== 'ambiguous') return false
  let inner = error
  for (let depth = 0; depth < MAX_DEPTH && inner !== undefined; depth++) {
    const status = statusOf(inner)
    if (status !== undefined) return STATUSES.has(status)
    if (kind === 'retry' && textAt(inner, 'code') !== undefined) return true
    if (TIMEOUT.test(`${textAt(inner, 'name')} ${textAt(inner, 'code')}`)) return true
    inner = at(inner, 'cause') ?? at(inner, 'original') ?? at(inner, 'error')
  }
  return false
}
