import { property } from '../../errors/property.js'
import type { ErrorRule, Finding, Meaning } from '../protocols/meaning.js'

/** https://docs.slack.dev/reference/methods/chat.postMessage#errors. All others refuse the message. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
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
  accesslimited: 'halt',
  two_factor_setup_required: 'halt',
  ratelimited: 'limit',
  rate_limited: 'limit',
  message_limit_exceeded: 'limit',
  service_unavailable: 'not-sent',
  team_added_to_org: 'not-sent',
  // The body arrived broken.
  request_timeout: 'retry',
  // "It's possible some aspect of the operation succeeded before the error was raised."
  fatal_error: 'doubt',
  internal_error: 'doubt',
}

const NAME = /^[a-z0-9_]{1,100}$/

/** `@slack/web-api` was told to wait, in seconds. */
export const slackRateLimit: ErrorRule = ({ error }) =>
  property(error, 'code') === 'slack_webapi_rate_limited_error' ? { means: 'limit' } : undefined

/**
 * Slack answers 200 and says what went wrong by name: in `data` of the client's error, or in the body itself.
 * With another status such a body is not Slack's.
 */
export const slackPlatformError: ErrorRule = ({ error, places, status, message }) => {
  const isClients = property(error, 'code') === 'slack_webapi_platform_error'
  if (!isClients && status !== undefined && status >= 300) return undefined
  for (const place of places) {
    const name = property(place, 'ok') === false || isClients ? property(place, 'error') : undefined
    if (typeof name !== 'string') continue
    if (!NAME.test(name)) {
      // An answer of 200 that is not JSON (cut short, or a proxy's page): the client takes its text for a
      // name.
      if (isClients) return { means: 'doubt' }
      continue
    }
    return named(name)
  }
  // The client's text, of an error that passed through another process.
  const [, name] = /^An API error occurred: ([a-z0-9_]{1,100})$/.exec(message) ?? []
  return name === undefined ? undefined : named(name)
}

function named(name: string): Finding {
  return { means: Object.hasOwn(MEANINGS, name) ? MEANINGS[name]! : 'permanent', reason: name }
}
