import { retryAfterMs } from './retry-after.js'
import { at, type Rule, rateLimited, textAt } from './rule.js'

/** As the SDK's own retry strategy has them (`@smithy/service-error-classification`). */
const THROTTLED = new Set([
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'LimitExceededException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionInProgressException',
])

/** The credentials are wrong, not the message. */
const UNAUTHORIZED = new Set([
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationToken',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
])

export const awsThrottling: Rule = error => {
  if (!isAws(error)) return undefined
  const isThrottled = THROTTLED.has(nameOf(error)) || at(error, '$retryable', 'throttling') === true
  return isThrottled ? rateLimited(retryAfterMs(error)) : undefined
}

export const awsCredentials: Rule = error => {
  const name = nameOf(error)
  if (name !== 'CredentialsProviderError' && !isAws(error)) return undefined
  return UNAUTHORIZED.has(name) ? { kind: 'halt', reason: name } : undefined
}

/** The service itself says that it may be called again. */
export const awsRetryable: Rule = error =>
  isAws(error) && typeof at(error, '$retryable') === 'object' ? { kind: 'retry' } : undefined

function isAws(error: unknown): boolean {
  return at(error, '$metadata') !== undefined || at(error, '$fault') !== undefined
}

function nameOf(error: unknown): string {
  return textAt(error, 'name') ?? ''
}
