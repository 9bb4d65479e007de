import { property } from '../recorded-error.js'
import type { Verdict } from '../types.js'
import { awsCredentials, awsRetryable, awsThrottling } from './aws.js'
import { discordRateLimit } from './discord.js'
import { httpStatus } from './http.js'
import { networkCode } from './network.js'
import { ambiguous, type Rule } from './rule.js'
import { notConfigured, sendError } from './sender.js'
import { slackPlatformError, slackRateLimit } from './slack.js'
import { telegramMigration, telegramNotFound } from './telegram.js'

/** Asked in this order of each error in a chain. A client's own shape comes before the status inside it. */
const RULES: readonly Rule[] = [
  sendError,
  slackRateLimit,
  slackPlatformError,
  discordRateLimit,
  telegramMigration,
  telegramNotFound,
  awsThrottling,
  awsCredentials,
  awsRetryable,
  httpStatus,
  networkCode,
  notConfigured,
]

/** Where clients keep the error that they wrap: the language, `@slack/web-api`, grammY's `HttpError`. */
const WRAPPED: readonly string[] = ['cause', 'original', 'error']

/** Errors looked at, at most: chains may be long, or go round. */
const MAX_ERRORS = 32

/**
 * What an error means for the message that it stopped: the default classifier. It knows errors by their shape and
 * imports no client. Looks at the error, then at what it wraps (`cause`, `errors`, and the properties of known
 * clients). What nobody recognises, time-outs and aborts among it, is ambiguous: it may have been delivered. So is what
 * can not be looked at. Never throws.
 */
export function classifyError(error: unknown): Verdict {
  try {
    return classify(error, new Set()) ?? ambiguous
  } catch {
    // A revoked proxy, for one, throws whatever is asked of it.
    return ambiguous
  }
}

function classify(error: unknown, seen: Set<unknown>): Verdict | undefined {
  if (typeof error !== 'object' || error === null || seen.has(error) || seen.size >= MAX_ERRORS)
    return undefined
  seen.add(error)
  for (const rule of RULES) {
    const verdict = rule(error)
    if (verdict !== undefined) return verdict
  }
  for (const name of WRAPPED) {
    const verdict = classify(property(error, name), seen)
    if (verdict !== undefined) return verdict
  }
  return classifyAll(property(error, 'errors'), seen)
}

/** Several at once, such as one for each address of a host: known not sent only if all of them are. */
function classifyAll(errors: unknown, seen: Set<unknown>): Verdict | undefined {
  if (!Array.isArray(errors)) return undefined
  let result: Verdict | undefined
  for (const error of errors) {
    if (seen.has(error)) continue
    if (seen.size >= MAX_ERRORS) return ambiguous
    const verdict = classify(error, seen) ?? ambiguous
    if (verdict.kind === 'ambiguous') return verdict
    result ??= verdict
  }
  return result
}
