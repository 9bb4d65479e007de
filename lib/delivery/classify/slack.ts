import type { Verdict } from '../types.js'
import { retryAfterMs } from './retry-after.js'
import { ambiguous, at, notSent, numberAt, type Rule, rateLimited, textAt } from './rule.js'

/** Slack's own error names: https://docs.slack.dev/reference/methods/chat.postMessage#errors. The others refuse the message. */
const MEANINGS: Readonly<Record<string, Verdict['kind'] | 'not-sent'>> = {
  invalid_auth: 'halt',
  not_authed: 'halt',
  account_inactive: 'halt',
  token_revoked: 'halt',
  token_expired: 'halt',
  missing_scope: 'halt',
  no_permission: 'halt',
  not_allowed_token_type: 'halt',
  org_login_required: 'halt',
  ekm_access_denied: 'halt',
  enterprise_is_restricted: 'halt',
  team_access_not_granted: 'halt',
  access_denied: 'halt',
  ratelimited: 'rate-limited',
  rate_limited: 'rate-limited',
  message_limit_exceeded: 'rate-limited',
  service_unavailable: 'not-sent',
  team_added_to_org: 'not-sent',
  // The body arrived broken.
  request_timeout: 'retry',
  // "It's possible some aspect of the operation succeeded before the error was raised."
  fatal_error: 'ambiguous',
  internal_error: 'ambiguous',
}

const NAME = /^[a-z0-9_]{1,100}$/

/** `@slack/web-api` was told to wait: in seconds. */
export const slackRateLimit: Rule = error => {
  if (textAt(error, 'code') !== 'slack_webapi_rate_limited_error') return undefined
  const seconds = numberAt(error, 'retryAfter')
  return rateLimited(seconds === undefined ? undefined : Math.ceil(seconds * 1000))
}

/** Slack answers 200 and says what went wrong by name: in `data` of the client's error, or in the body itself. */
export const slackPlatformError: Rule = error => {
  const isClients = textAt(error, 'code') === 'slack_webapi_platform_error'
  const name = isClients ? textAt(error, 'data', 'error') : bodysError(error)
  if (name === undefined) return undefined
  // An answer of 200 that is no JSON (cut short, or a page of a proxy): the client gives its text for a name.
  if (!NAME.test(name)) return ambiguous
  switch (Object.hasOwn(MEANINGS, name) ? MEANINGS[name] : 'permanent') {
    case 'halt':
      return { kind: 'halt', reason: name }
    case 'rate-limited':
      return rateLimited(retryAfterMs(error))
    case 'not-sent':
      return notSent
    case 'retry':
      return { kind: 'retry' }
    case 'ambiguous':
      return ambiguous
    default:
      return { kind: 'permanent', reason: name }
  }
}

/** `{ ok: false, error: 'channel_not_found' }`, returned or thrown as it came. */
function bodysError(error: unknown): string | undefined {
  for (const path of [[], ['body'], ['data'], ['response', 'data']]) {
    const name = at(error, ...path, 'ok') === false ? textAt(error, ...path, 'error') : undefined
    if (name !== undefined && NAME.test(name)) return name
  }
  return undefined
}
