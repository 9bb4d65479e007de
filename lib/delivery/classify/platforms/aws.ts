import { property } from '../../errors/property.js'
import type { ErrorRule, Meaning } from '../protocols/meaning.js'
import type { Reading } from '../reading/reading.js'

const MEANINGS: Readonly<Record<string, Meaning>> = {
  // As in the SDK's own retry strategy (`@smithy/service-error-classification`).
  BandwidthLimitExceeded: 'limit',
  EC2ThrottledException: 'limit',
  KMSThrottlingException: 'limit',
  KmsThrottled: 'limit',
  LimitExceededException: 'limit',
  OverLimit: 'limit',
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
  InvalidSecurity: 'halt',
  // The credentials of the application at Apple or Google.
  PlatformApplicationDisabledException: 'halt',
  // The permissions of the credentials.
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

export const awsError: ErrorRule = reading => {
  const { error } = reading
  const name = nameOf(reading)
  if (name === undefined) return undefined
  const retryable = property(error, '$retryable')
  const isThrottling = property(retryable, 'throttling') === true
  const means = isThrottling ? 'limit' : Object.hasOwn(MEANINGS, name) ? MEANINGS[name] : undefined
  if (means !== undefined) return { means, reason: name }
  // The service says that it may be called again; after its own failure that does not mean that nothing was
  // done.
  const isRefusal = reading.status !== undefined && reading.status < 500
  return isRefusal && typeof retryable === 'object' && retryable !== null ? { means: 'retry' } : undefined
}

/** Amazon's name for the error, if the error is Amazon's. */
function nameOf({ error, name, headers, places }: Reading): string | undefined {
  // The SDK's own, before any request.
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') return name
  if (property(error, '$metadata') !== undefined || property(error, '$fault') !== undefined) return name
  // Version 2 of the SDK has the name as a code.
  const code = property(error, 'code')
  if (
    typeof code === 'string' &&
    property(error, 'requestId') !== undefined &&
    property(error, 'retryable') !== undefined
  )
    return code
  // The answer itself: "ThrottlingException:http://…", "com.amazonaws.sns#ThrottlingException".
  if (!headers.has('x-amzn-requestid')) return undefined
  const type = headers.get('x-amzn-errortype') ?? places.map(place => property(place, '__type')).find(isText)
  return type?.slice(0, 200).split(':', 1)[0]?.split('#').at(-1)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
