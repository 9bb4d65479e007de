import { property } from '../../recorded-error.js'
import type { Meaning, Rule } from '../meaning.js'

const MEANINGS: Readonly<Record<string, Meaning>> = {
  // As the SDK's own retry strategy has them (`@smithy/service-error-classification`).
  BandwidthLimitExceeded: 'limit',
  EC2ThrottledException: 'limit',
  LimitExceededException: 'limit',
  PriorRequestNotComplete: 'limit',
  ProvisionedThroughputExceededException: 'limit',
  RequestLimitExceeded: 'limit',
  RequestThrottled: 'limit',
  RequestThrottledException: 'limit',
  SlowDown: 'limit',
  ThrottledException: 'limit',
  Throttling: 'limit',
  ThrottlingException: 'limit',
  TooManyRequestsException: 'limit',
  TransactionInProgressException: 'limit',
  // The credentials are wrong, not the message.
  CredentialsProviderError: 'halt',
  TokenProviderError: 'halt',
  ExpiredToken: 'halt',
  ExpiredTokenException: 'halt',
  IncompleteSignature: 'halt',
  InvalidAccessKeyId: 'halt',
  InvalidClientTokenId: 'halt',
  InvalidSignatureException: 'halt',
  MissingAuthenticationToken: 'halt',
  SignatureDoesNotMatch: 'halt',
  UnrecognizedClientException: 'halt',
  InvalidIdentityToken: 'halt',
  RequestExpired: 'halt',
  RequestTimeTooSkewed: 'halt',
  OptInRequired: 'halt',
  // What they are allowed.
  AccessDenied: 'halt',
  AccessDeniedException: 'halt',
  AuthorizationErrorException: 'halt',
  NotAuthorized: 'halt',
  UnauthorizedException: 'halt',
  UnauthorizedOperation: 'halt',
  // https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
  AccountSendingPausedException: 'halt',
  AccountSuspendedException: 'halt',
  SendingPausedException: 'halt',
  ConfigurationSetSendingPausedException: 'halt',
}

export const awsError: Rule = ({ error, name, waitMs }) => {
  // The SDK's own, before anything was asked.
  const isCredentials = name === 'CredentialsProviderError' || name === 'TokenProviderError'
  if (!isCredentials && !isAws(error)) return undefined
  const retryable = property(error, '$retryable')
  const isThrottling = property(retryable, 'throttling') === true
  const means = isThrottling ? 'limit' : Object.hasOwn(MEANINGS, name) ? MEANINGS[name] : undefined
  if (means === 'limit') return { means, afterMs: waitMs }
  if (means === 'halt') return { means, reason: name }
  // The service itself says that it may be called again.
  return typeof retryable === 'object' && retryable !== null ? { means: 'retry' } : undefined
}

function isAws(error: unknown): boolean {
  return property(error, '$metadata') !== undefined || property(error, '$fault') !== undefined
}
