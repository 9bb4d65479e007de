import { axiosError, error, judged } from '../fixtures/verdicts.js'

judged('a code of a platform outranks the status beside it', [
  [
    'Meta 190 with 400',
    axiosError(400, { error: { code: 190, fbtrace_id: 'A', type: 'OAuthException' } }),
    'halt',
  ],
  ['Meta 368, a number that could be a status', { error: { code: 368, fbtrace_id: 'A' } }, 'halt'],
  ['Meta 131042, no money', axiosError(400, { error: { code: 131042, fbtrace_id: 'A' } }), 'halt'],
  [
    'Meta 131047, too late for this person',
    axiosError(400, { error: { code: 131047, fbtrace_id: 'A' } }),
    'permanent',
  ],
  ['Meta 4', axiosError(400, { error: { code: 4, fbtrace_id: 'A' } }), 'rate-limited group'],
  ['Meta 80007', axiosError(400, { error: { code: 80007, fbtrace_id: 'A' } }), 'rate-limited group'],
  ['Meta 613', axiosError(400, { error: { code: 613, fbtrace_id: 'A' } }), 'rate-limited'],
  ['Discord 50027 with 401', axiosError(401, { code: 50027, message: 'Invalid Webhook Token' }), 'permanent'],
  [
    'Discord, its client',
    error('x', { status: 401, code: 50027, rawError: { code: 50027, message: 'x' } }),
    'permanent',
  ],
  ['Discord overloaded', axiosError(503, { code: 130000, message: 'x' }), 'not sent'],
  ['Matrix', axiosError(403, { errcode: 'M_USER_DEACTIVATED', error: 'x' }), 'halt'],
  ['Matrix, forbidden', axiosError(403, { errcode: 'M_FORBIDDEN', error: 'x' }), 'permanent'],
  ['Zulip', axiosError(400, { result: 'error', code: 'INVALID_API_KEY', msg: 'x' }), 'halt'],
  ['Rocket.Chat', axiosError(400, { success: false, errorType: 'error-too-many-requests' }), 'rate-limited'],
  [
    'Twilio, the account',
    axiosError(400, { code: 30002, more_info: 'https://www.twilio.com/x', status: 400 }),
    'halt',
  ],
  ['Twilio, its queue is full', error('x', { status: 400, code: 21611, moreInfo: 'x' }), 'rate-limited'],
  ['Twilio, unsubscribed', error('x', { status: 400, code: 21610, moreInfo: 'x' }), 'permanent'],
  [
    'X, so many a day',
    axiosError(403, { errors: [{ code: 185, message: 'x' }] }, { 'x-transaction-id': 't' }),
    'rate-limited',
  ],
  [
    'X, the account is locked',
    axiosError(403, { errors: [{ code: 326, message: 'x' }] }, { 'x-transaction-id': 't' }),
    'halt',
  ],
  [
    'Alibaba Cloud',
    axiosError(400, { Code: 'Throttling.User', Message: 'x', RequestId: 'r' }),
    'rate-limited',
  ],
  ['AT Protocol', error('x', { status: 400, error: 'ExpiredToken', success: false, headers: {} }), 'halt'],
  [
    'APNs',
    error('x', { status: 403, headers: { 'apns-id': '1' }, body: '{"reason":"ExpiredProviderToken"}' }),
    'halt',
  ],
  ['node-apn', { device: 'd', status: '403', response: { reason: 'InvalidProviderToken' } }, 'halt'],
  [
    'APNs, the connection was idle',
    error('x', { status: 400, headers: { 'apns-id': '1' }, body: '{"reason":"IdleTimeout"}' }),
    'not sent',
  ],
  [
    'Google, the service is off',
    axiosError(403, {
      error: { code: 403, details: [{ '@type': 'x', reason: 'SERVICE_DISABLED', domain: 'googleapis.com' }] },
    }),
    'halt',
  ],
  [
    'GraphQL',
    axiosError(400, { errors: [{ message: 'x', extensions: { code: 'AUTHENTICATION_ERROR' } }] }),
    'halt',
  ],
  [
    'Notion, a collision',
    axiosError(409, { object: 'error', code: 'conflict_error', message: 'x' }),
    'retry',
  ],
  [
    'OAuth',
    axiosError(400, { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' }),
    'halt',
  ],
  [
    'google-auth-library',
    error('invalid_grant', { code: '400', response: { data: { error: 'invalid_grant' } } }),
    'halt',
  ],
  [
    'KafkaJS',
    error('x', { name: 'KafkaJSProtocolError', type: 'TOPIC_AUTHORIZATION_FAILED', code: 29 }),
    'halt',
  ],
  ['mqtt.js', error('Connection refused: Not authorized', { name: 'ErrorWithReasonCode', code: 5 }), 'halt'],
])

judged("a code of a platform counts only beside the marks of that platform's answers", [
  ['Meta', axiosError(400, { error: { code: 190 } }), 'permanent'],
  ['Meta, a limit', axiosError(400, { error: { code: 4 } }), 'permanent'],
  ['Slack with a status', axiosError(400, { ok: false, error: 'invalid_auth' }), 'permanent'],
  ['APNs', axiosError(400, { reason: 'ExpiredProviderToken' }), 'permanent'],
  ['Google', axiosError(400, { reason: 'SERVICE_DISABLED' }), 'permanent'],
  ['OAuth', axiosError(400, { error: 'invalid_grant' }), 'permanent'],
  ['OAuth, as a text', axiosError(400, { message: 'invalid_grant' }), 'permanent'],
  ['AWS', axiosError(400, { name: 'AccessDeniedException' }), 'permanent'],
  ['gRPC', axiosError(400, { code: 16, details: 'x' }), 'permanent'],
  ['Twilio', axiosError(400, { code: 20003, message: 'x' }), 'permanent'],
  ['Telegram 404', axiosError(404, { error_code: 404 }), 'permanent'],
  ['Viber', axiosError(400, { status: 2 }), 'permanent'],
  [
    'a code that any object inherits',
    axiosError(400, { error: { code: 'constructor', fbtrace_id: 'A' } }),
    'permanent',
  ],
])

judged('a refusal with status 200 or without a status is judged by its code', [
  ['Alibaba Cloud, no money', { Code: 'isv.AMOUNT_NOT_ENOUGH', Message: 'x', RequestId: 'r' }, 'halt'],
  ['Feishu, a limit', { code: 11232, msg: 'frequency limited' }, 'rate-limited'],
  ['Feishu, its token', axiosError(400, { code: 99991663, msg: 'x' }), 'halt'],
  ['Feishu, any other', { code: 230001, msg: 'x' }, 'permanent'],
  ['DingTalk, a limit', { errcode: 130101, errmsg: 'send too fast' }, 'rate-limited'],
  ['WeCom, its token', { errcode: 42001, errmsg: 'x' }, 'halt'],
  ['WeCom, busy', { errcode: -1, errmsg: 'system busy' }, 'retry'],
  ['WeCom, any other', { errcode: 40003, errmsg: 'x' }, 'permanent'],
  ['0 is no error', { errcode: 0, errmsg: 'ok' }, 'ambiguous'],
  ['Kakao', { code: -401, msg: 'x' }, 'halt'],
  ['Viber', { status: 12, status_message: 'tooManyRequests' }, 'rate-limited'],
  ['Viber, not subscribed', { status: 6, status_message: 'x' }, 'permanent'],
  ['VK', { error: { error_code: 9, error_msg: 'Flood control' } }, 'rate-limited'],
  ['VK, its token', { error: { error_code: 5, error_msg: 'x' } }, 'halt'],
  [
    'Vonage',
    { 'message-count': '1', messages: [{ status: '1', 'error-text': 'Throttled' }] },
    'rate-limited',
  ],
  ['Expo', { status: 'error', message: 'x', details: { error: 'DeviceNotRegistered' } }, 'permanent'],
  [
    'Expo, its credentials',
    { data: [{ status: 'error', message: 'x', details: { error: 'InvalidCredentials' } }] },
    'halt',
  ],
  ['JSON-RPC', { jsonrpc: '2.0', id: 1, error: { code: -32602, message: 'x' } }, 'permanent'],
  ['signal-cli, a limit', { jsonrpc: '2.0', id: 1, error: { code: -5, message: 'x' } }, 'rate-limited'],
  [
    'GraphQL of GitHub, a limit',
    { data: null, errors: [{ type: 'RATE_LIMITED', message: 'x', locations: [] }] },
    'rate-limited',
  ],
  ['GraphQL, a limit', { errors: [{ message: 'x', extensions: { code: 'THROTTLED' } }] }, 'rate-limited'],
  ['in words of nobody here', error('x', { name: 'ResponseError', body: { success: false } }), 'retry'],
  ['XMPP', error('x', { name: 'StanzaError', condition: 'item-not-found', type: 'cancel' }), 'permanent'],
  [
    'XMPP, a limit',
    error('x', { name: 'StanzaError', condition: 'resource-constraint', type: 'wait' }),
    'rate-limited',
  ],
])

judged('an error that went through another process is judged by its text', [
  ['Slack', error('An API error occurred: invalid_auth'), 'halt'],
  [
    'grammY',
    error("Call to 'sendMessage' failed! (403: Forbidden: bot was blocked by the user)"),
    'permanent',
  ],
  ['a status and its phrase', error('429 Too Many Requests'), 'rate-limited'],
  ['thrown as text', 'HTTP 403: Forbidden', 'permanent'],
  ['a number that begins a sentence', error('404 messages were not found'), 'ambiguous'],
  ['a status in the middle', error('The answer was: 403 Forbidden'), 'ambiguous'],
])

judged('an error of firebase-admin is judged by its code', [
  ['the token is gone', error('x', { code: 'messaging/registration-token-not-registered' }), 'permanent'],
  ['too fast', error('x', { code: 'messaging/device-message-rate-exceeded' }), 'rate-limited'],
  ['its credentials', error('x', { code: 'messaging/authentication-error' }), 'halt'],
  ['unavailable', error('x', { code: 'messaging/server-unavailable' }), 'ambiguous'],
])

const ses = (name: string, httpStatusCode = 400) =>
  error('x', { name, $fault: 'client', $metadata: { httpStatusCode } })

judged('codes of Amazon about the account halt, and codes about the message are permanent', [
  ['suspended', ses('AccountSuspendedException'), 'halt'],
  ['paused', ses('SendingPausedException'), 'halt'],
  ['paused, v1', ses('AccountSendingPausedException'), 'halt'],
  ['not allowed', ses('AccessDeniedException', 403), 'halt'],
  ['a token that has expired', ses('ExpiredTokenException', 403), 'halt'],
  ['the message', ses('MessageRejected'), 'permanent'],
  [
    'version 2 of the SDK',
    error('x', { code: 'Throttling', statusCode: 400, requestId: 'r', retryable: true }),
    'rate-limited',
  ],
  [
    'the answer itself',
    axiosError(400, { __type: 'com.amazonaws.sns#ThrottlingException' }, { 'x-amzn-requestid': 'r' }),
    'rate-limited',
  ],
  ['the same of anybody', axiosError(400, { __type: 'ThrottlingException' }), 'permanent'],
])

const line = axiosError(
  409,
  { message: 'The retry key is already accepted' },
  { 'x-line-accepted-request-id': 'a' },
)
const unmodified = (description: string) =>
  error('x', { error_code: 400, ok: false, description, parameters: {} })

judged(
  'a platform’s word that it took this very request delivers a message in doubt',
  [
    ['LINE', line, 'delivered'],
    [
      'an error of the program’s own around LINE’s',
      error('x', { statusCode: 409, originalError: line }),
      'delivered',
    ],
    [
      'node-telegram-bot-api',
      error('ETELEGRAM: 400 Bad Request: message is not modified: x', { code: 'ETELEGRAM', errorCode: 400 }),
      'delivered',
    ],
    [
      'Telegram, an edit',
      unmodified('Bad Request: message is not modified: specified new message content'),
      'delivered',
    ],
  ],
  { mayHaveBeenSent: true },
)

judged(
  'words alone never deliver a message in doubt',
  [
    ['409', axiosError(409, { message: 'The retry key is already accepted' }), 'permanent'],
    ['a text', error('already delivered'), 'ambiguous'],
    [
      'Telegram’s words of another',
      axiosError(400, { message: 'Bad Request: message is not modified' }),
      'permanent',
    ],
    ['quoted', unmodified('Bad Request: "message is not modified"'), 'permanent'],
  ],
  { mayHaveBeenSent: true },
)

judged(
  'a platform’s word that it took the request refuses a message that is not in doubt',
  [
    ['LINE', line, 'permanent'],
    ['Telegram', unmodified('Bad Request: message is not modified'), 'permanent'],
  ],
  { mayHaveBeenSent: false },
)

judged('a platform’s word that the same request still runs leads to a retry', [
  [
    'Stripe',
    axiosError(409, { error: { code: 'idempotency_key_in_use', type: 'invalid_request_error' } }),
    'retry',
  ],
  ['by its words', axiosError(409, { title: 'A request with this Idempotency-Key is in progress' }), 'retry'],
  ['any other conflict', axiosError(409, { error: 'conflict' }), 'permanent'],
])

judged('a code with two meanings is told apart by the beginning of its text', [
  ['Feishu, too many', { code: 9499, msg: 'too many request', data: {} }, 'rate-limited'],
  ['Feishu, no such request', { code: 9499, msg: 'Bad Request', data: {} }, 'permanent'],
  ['a text that quotes it', axiosError(400, { message: 'No “too many requests” here' }), 'permanent'],
  ['a server that failed', axiosError(500, { message: 'Too many requests' }), 'ambiguous'],
])

judged('codes about the sender halt, and codes about limits wait', [
  ['DingTalk, too fast', { errcode: 410100, errmsg: 'x' }, 'rate-limited'],
  ['DingTalk, no such token', { errcode: 400101, errmsg: 'x' }, 'halt'],
  ['WeCom, the address', { errcode: 60020, errmsg: 'x' }, 'halt'],
  ['Slack', { ok: false, error: 'two_factor_setup_required' }, 'halt'],
  ['Slack, the network', { ok: false, error: 'accesslimited' }, 'halt'],
])

judged('a word that any endpoint may say limits no whole group', [
  ['anybody', axiosError(403, { reason: 'quotaExceeded' }), 'rate-limited'],
  [
    'Google',
    axiosError(403, { error: { errors: [{ domain: 'youtube.quota', reason: 'quotaExceeded' }] } }),
    'rate-limited group',
  ],
])

judged('a limit of the whole bot is believed of Discord only', [
  ['Discord', axiosError(429, { message: 'x', retry_after: 3.2, global: true }), 'rate-limited 3200 group'],
  ['anybody', axiosError(429, { global: true }, { 'retry-after': '100' }), 'rate-limited 100000'],
])

const aws = (name: string) => error('x', { name, $fault: 'client', $metadata: { httpStatusCode: 400 } })

judged('codes of Amazon about an application halt, and codes about one device are permanent', [
  ['SNS, the application at Apple or Google', aws('PlatformApplicationDisabledException'), 'halt'],
  ['SNS, one device', aws('EndpointDisabledException'), 'permanent'],
  ['KMS behind it', aws('KMSThrottlingException'), 'rate-limited'],
  ['SQS, too many under way', aws('OverLimit'), 'rate-limited'],
])
