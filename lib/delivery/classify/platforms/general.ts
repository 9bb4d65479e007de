import { each, type Platform } from './platform.js'

/** Answers of more than one platform: Google's, OAuth's, GraphQL's, JSON-RPC's, those of brokers. */
export const GENERAL: readonly Platform[] = [
  {
    name: 'Google',
    source:
      'https://cloud.google.com/apis/design/errors, https://cloud.google.com/apis/enums ' +
      '(google.api.ErrorReason)',
    marks: [{ has: ['reason', 'domain'] }],
    code: ['reason'],
    means: {
      ...each('halt', ['API_KEY_INVALID', 'API_KEY_SERVICE_BLOCKED', 'SERVICE_DISABLED', 'BILLING_DISABLED']),
      ...each('halt', [
        'CONSUMER_INVALID',
        'CONSUMER_SUSPENDED',
        'CREDENTIALS_MISSING',
        'ACCESS_TOKEN_EXPIRED',
      ]),
      ...each('halt', ['ACCESS_TOKEN_SCOPE_INSUFFICIENT', 'ACCOUNT_STATE_INVALID', 'USER_PROJECT_DENIED']),
      ...each('halt', [
        'accessNotConfigured',
        'authError',
        'keyInvalid',
        'keyExpired',
        'insufficientPermissions',
      ]),
      ...each('limit-group', ['quotaExceeded', 'dailyLimitExceeded', 'RESOURCE_QUOTA_EXCEEDED']),
    },
  },
  {
    name: 'Google',
    source:
      'https://developers.google.com/workspace/gmail/api/guides/handle-errors; of one channel, so that ' +
      'one property will do',
    marks: [{ has: ['reason'] }],
    code: ['reason'],
    means: {
      ...each('limit', [
        'rateLimitExceeded',
        'userRateLimitExceeded',
        'RATE_LIMIT_EXCEEDED',
        'servingLimitExceeded',
      ]),
      ...each('limit', ['quotaExceeded', 'dailyLimitExceeded', 'RESOURCE_QUOTA_EXCEEDED']),
    },
  },
  {
    name: 'FCM',
    source: 'https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode',
    marks: [{ is: { '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError' } }],
    code: ['errorCode'],
    means: {
      THIRD_PARTY_AUTH_ERROR: 'halt',
      QUOTA_EXCEEDED: 'limit',
      ...each('permanent', ['UNREGISTERED', 'SENDER_ID_MISMATCH', 'INVALID_ARGUMENT']),
    },
  },
  {
    name: 'OAuth',
    source: 'RFC 6749, 5.2; as @azure/identity and MSAL have it',
    marks: [
      { has: ['error', 'error_description'] },
      { has: ['error', 'errorDescription'] },
      { has: ['errorCode', 'errorMessage', 'correlationId'] },
    ],
    code: ['error', 'errorCode'],
    means: each('halt', ['invalid_grant', 'invalid_client', 'unauthorized_client', 'invalid_scope']),
  },
  {
    name: 'OAuth',
    source: 'google-auth-library: its whole text',
    marks: [{ says: 'invalid_grant' }],
    code: ['message'],
    means: each('halt', ['invalid_grant']),
  },
  {
    name: 'Notion',
    source: 'https://developers.notion.com/reference/status-codes',
    marks: [{ is: { object: 'error' } }, { named: 'APIResponseError' }],
    code: ['code'],
    means: {
      unauthorized: 'halt',
      rate_limited: 'limit',
      conflict_error: 'retry',
      service_unavailable: 'unanswered',
    },
  },
  {
    name: 'GraphQL',
    source:
      'https://www.apollographql.com/docs/apollo-server/data/errors, ' +
      'https://linear.app/developers/rate-limiting, https://shopify.dev/docs/api/usage/limits',
    // GitHub's has a type instead of extensions.
    marks: [{ has: ['message', 'extensions'] }, { has: ['message', 'type', 'locations'] }],
    code: ['extensions.code', 'type'],
    means: {
      ...each('halt', ['UNAUTHENTICATED', 'AUTHENTICATION_ERROR']),
      ...each('limit', ['RATELIMITED', 'RATE_LIMITED', 'THROTTLED']),
      ...each('permanent', [
        'FORBIDDEN',
        'BAD_USER_INPUT',
        'GRAPHQL_PARSE_FAILED',
        'GRAPHQL_VALIDATION_FAILED',
      ]),
      INTERNAL_SERVER_ERROR: 'doubt',
    },
  },
  {
    name: 'rate-limiter-flexible',
    source: 'https://github.com/animir/node-rate-limiter-flexible, RateLimiterRes: what it rejects with',
    marks: [{ has: ['msBeforeNext', 'consumedPoints'] }],
    code: ['remainingPoints'],
    means: { 0: 'limit' },
  },
  {
    name: 'Linear',
    source: 'https://linear.app/developers/sdk-errors',
    marks: [{ named: 'RatelimitedLinearError' }, { named: 'AuthenticationLinearError' }],
    code: ['type'],
    means: { Ratelimited: 'limit', AuthenticationError: 'halt' },
  },
  {
    name: 'Salesforce',
    source: 'https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm',
    marks: [{ has: ['errorCode', 'message'] }],
    code: ['errorCode'],
    means: {
      REQUEST_LIMIT_EXCEEDED: 'limit-group',
      SERVER_UNAVAILABLE: 'not-sent',
      UNABLE_TO_LOCK_ROW: 'retry',
      ...each('halt', ['INVALID_SESSION_ID', 'INVALID_LOGIN', 'API_DISABLED_FOR_ORG', 'ORG_LOCKED']),
    },
  },
  {
    name: 'JSON-RPC',
    source: 'https://www.jsonrpc.org/specification#error_object; -1 to -5 of signal-cli',
    marks: [{ has: ['jsonrpc', 'error'] }],
    code: ['error.code'],
    means: {
      ...each('permanent', [-32700, -32600, -32601, -32602]),
      ...each('permanent', [-1, -4]),
      ...each('limit', [-5, -32005]),
      ...each('doubt', [-32603, -3]),
    },
  },
  {
    name: 'AMQP',
    source: 'AMQP 0-9-1, 1.2: constants; amqplib has the class and the method beside them',
    marks: [{ has: ['classId', 'methodId'] }],
    code: ['code'],
    means: {
      403: 'halt',
      ...each('permanent', [311, 312, 313, 402, 404, 406, 530]),
      ...each('retry', [405, 506]),
      ...each('unanswered', [320, 501, 504, 541]),
    },
  },
  {
    name: 'NATS',
    source: 'https://docs.nats.io: nobody listens on the subject',
    marks: [{ named: 'NatsError' }, { named: 'NoRespondersError' }],
    code: ['code', 'name'],
    means: {
      ...each('unreachable', [503, 'NoRespondersError', 'CONNECTION_REFUSED']),
      TIMEOUT: 'unanswered',
      ...each('halt', ['AUTHORIZATION_VIOLATION', 'AUTHENTICATION_EXPIRED']),
    },
  },
  {
    name: 'Kafka',
    source: 'https://kafka.apache.org/protocol#protocol_error_codes, as KafkaJS has them',
    marks: [{ named: 'KafkaJS' }],
    code: ['type', 'name'],
    means: {
      ...each('halt', [
        'SASL_AUTHENTICATION_FAILED',
        'CLUSTER_AUTHORIZATION_FAILED',
        'TOPIC_AUTHORIZATION_FAILED',
      ]),
      KafkaJSSASLAuthenticationError: 'halt',
      ...each('permanent', ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_TOPIC_EXCEPTION']),
      ...each('not-sent', ['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_ENOUGH_REPLICAS']),
      ...each('unanswered', ['REQUEST_TIMED_OUT', 'KafkaJSRequestTimeoutError']),
    },
  },
  {
    name: 'MQTT',
    source: 'MQTT 5.0, 2.4: reason codes, as mqtt.js has them',
    marks: [{ named: 'ErrorWithReasonCode' }, { named: 'ErrorWithSubackPacket' }],
    code: ['code'],
    means: {
      ...each('halt', [4, 5, 134, 135, 138]),
      ...each('unreachable', [3, 136]),
      ...each('limit', [151, 159]),
      ...each('not-sent', [137]),
      ...each('permanent', [144, 149, 153]),
    },
  },
]
