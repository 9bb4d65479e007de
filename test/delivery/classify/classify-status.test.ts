import { axiosError, error, judged } from '../fixtures/verdicts.js'

judged('the HTTP status is found wherever clients put it', [
  [
    'Telegraf',
    error('429: Too Many Requests', {
      response: { ok: false, error_code: 429, parameters: { retry_after: 7 } },
      on: { method: 'sendMessage' },
    }),
    'rate-limited 7000',
  ],
  ['node-telegram-bot-api 2', error('ETELEGRAM: 403', { code: 'ETELEGRAM', errorCode: 403 }), 'permanent'],
  [
    'node-telegram-bot-api 0.6',
    error('ETELEGRAM: 429', {
      code: 'ETELEGRAM',
      response: { statusCode: 429, body: { ok: false, error_code: 429, parameters: { retry_after: 3 } } },
    }),
    'rate-limited 3000',
  ],
  ['@sendgrid/mail', error('Unauthorized', { code: 401, response: { headers: {}, body: {} } }), 'halt'],
  ['Svix', error('x', { code: 429, headers: { 'retry-after': '12' }, body: '{}' }), 'rate-limited 12000'],
  [
    'matrix-js-sdk',
    error('x', { httpStatus: 429, errcode: 'M_LIMIT_EXCEEDED', data: { retry_after_ms: 1120 } }),
    'rate-limited 1120',
  ],
  [
    'Boom',
    error('x', { isBoom: true, output: { statusCode: 429, payload: {}, headers: {} } }),
    'rate-limited',
  ],
  ['Boom, gone', error('x', { isBoom: true, output: { statusCode: 410, payload: {} } }), 'permanent'],
  ['axios', axiosError(403, 'Forbidden'), 'permanent'],
  ['got', error('Response code 410 (Gone)', { response: { statusCode: 410, body: 'x' } }), 'permanent'],
  [
    'superagent',
    error('Bad Request', { status: 400, response: { status: 400, body: {}, text: '{}' } }),
    'permanent',
  ],
  ['Mattermost', { id: 'api.x.app_error', message: 'x', status_code: 403 }, 'permanent'],
  [
    'octokit',
    error('Not Found', { name: 'HttpError', status: 404, response: { status: 404, headers: {} } }),
    'permanent',
  ],
  [
    'web-push',
    error('Received unexpected response code', { statusCode: 410, headers: {}, body: '' }),
    'permanent',
  ],
  ['gaxios, as text', error('x', { code: '403', response: { data: {} } }), 'permanent'],
  ['JSON:API, as text', { errors: [{ status: '422', title: 'Invalid' }] }, 'permanent'],
  ['node-apn, as text', { device: 'd', status: '410', response: { reason: 'Unregistered' } }, 'permanent'],
  ['Google, a body alone', { error: { code: 404, message: 'x', status: 'NOT_FOUND' } }, 'permanent'],
  ['a body as text', error('x', { body: '{"status":413}' }), 'permanent'],
  ['a body as bytes', error('x', { body: Buffer.from('{"statusCode":413}') }), 'permanent'],
  ['JSON for a message', error('{"error":{"code":400,"message":"x"}}'), 'permanent'],
  ['a text alone: axios', error('Request failed with status code 404'), 'permanent'],
  ['a text alone: HTTP', error('HTTP 403: Forbidden'), 'permanent'],
  ['a code of HTTP in a body that came with 200', axiosError(200, { code: 403, msg: 'x' }), 'permanent'],
  ['the nearest that says a failure', error('x', { status: 200, response: { status: 400 } }), 'permanent'],
])

judged('a number that is no HTTP status is not taken for one', [
  ['an errno of Node', error('x', { errno: -111, code: 'ECONNREFUSED' }), 'not sent'],
  ['an errno that could be one', error('x', { errno: 404 }), 'ambiguous'],
  ['a code of a process', error('x', { code: 127, killed: false, cmd: 'signal-cli' }), 'ambiguous'],
  ['an end of a process', error('x', { status: 137, pid: 1 }), 'ambiguous'],
  ['DOMException', new DOMException('x', 'AbortError'), 'ambiguous'],
  ['a close of a WebSocket', error('x', { code: 1006 }), 'ambiguous'],
  ['a code below 300', error('x', { code: 200 }), 'ambiguous'],
  ['a reply of SMTP', error('x', { code: 'EENVELOPE', responseCode: 450, command: 'RCPT TO' }), 'not sent'],
  ['a reply of SMTP as a code', error('x', { code: 450, response: '450 4.2.0 Greylisted' }), 'not sent'],
  ['Meta 400-something', { error: { code: 506, message: 'duplicate', fbtrace_id: 'A' } }, 'permanent'],
  ['VK 300: the album is full', { error: { error_code: 300, error_msg: 'x' } }, 'permanent'],
  ['Postmark 406 beside 422', axiosError(422, { ErrorCode: 406, Message: 'inactive' }), 'permanent'],
  ['Postmark 429', { ErrorCode: 429, Message: 'x' }, 'rate-limited'],
  ['AMQP 320', error('CONNECTION_FORCED', { code: 320, classId: 0, methodId: 0 }), 'ambiguous'],
  ['NATS 503: nobody listens', error('503', { name: 'NatsError', code: '503' }), 'not sent'],
  ['MySQL', error('x', { errno: 1062, code: 'ER_DUP_ENTRY', sqlState: '23000' }), 'ambiguous'],
  ['text', error('x', { status: 'failed', code: 'whatever' }), 'ambiguous'],
  ['a fraction', { status: 404.5 }, 'ambiguous'],
  [
    'a Slack name',
    error('x', { code: 'slack_webapi_platform_error', data: { ok: false, error: 'msg_too_long' } }),
    'permanent',
  ],
])

judged('a 5xx is ambiguous unless it says that nothing was processed', [
  ...[408, 500, 501, 502, 503, 504, 505, 507, 520, 522, 524, 530, 599].map(
    status => [`${status}`, { status }, 'ambiguous'] as const,
  ),
  ...[425, 511, 521, 523, 525, 526, 529].map(status => [`${status}`, { status }, 'not sent'] as const),
  ['502 with a wait', axiosError(502, '', { 'retry-after': '3' }), 'ambiguous'],
  ['503 with a wait', axiosError(503, '', { 'retry-after': '3' }), 'rate-limited 3000'],
  ['503 with a wait of nothing', axiosError(503, '', { 'retry-after': '0' }), 'ambiguous'],
  ['529 with a wait', axiosError(529, '', { 'retry-after': '3' }), 'rate-limited 3000'],
])

const envoy = 'upstream connect error or disconnect/reset before headers.'
const haproxy =
  '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>'

judged('a gateway that says that it passed nothing on has sent nothing', [
  ['Envoy, nobody there', axiosError(503, 'no healthy upstream'), 'not sent'],
  ['Envoy, no connection', axiosError(503, `${envoy} reset reason: connection failure`), 'not sent'],
  [
    'Envoy, no connection, of late',
    axiosError(503, `${envoy} reset reason: remote connection failure, transport failure reason: x`),
    'not sent',
  ],
  ['Envoy, full', axiosError(503, `${envoy} reset reason: overflow`), 'not sent'],
  ['HAProxy', axiosError(503, haproxy), 'not sent'],
  ['Traefik', axiosError(503, 'no available server'), 'not sent'],
  ['Cloudflare, no tunnel', axiosError(530, 'error code: 1033'), 'not sent'],
  [
    'Envoy, the connection broke',
    axiosError(503, `${envoy} reset reason: connection termination`),
    'ambiguous',
  ],
  [
    'Envoy, which tried it before',
    axiosError(503, `${envoy} retried and the latest reset reason: remote connection failure`),
    'ambiguous',
  ],
  ['a page that quotes it', axiosError(503, 'The upstream said: no healthy upstream'), 'ambiguous'],
  ['with another status', axiosError(500, 'no healthy upstream'), 'ambiguous'],
  ['with a wait', axiosError(503, 'no healthy upstream', { 'retry-after': '3' }), 'rate-limited 3000'],
])

judged('an HTTP status about the sender or the moment is no permanent failure of the message', [
  ['payment required', { status: 402 }, 'halt'],
  ['precondition, as Teams says it', { statusCode: 412 }, 'retry'],
  ['misdirected', { status: 421 }, 'retry'],
  ['locked', { status: 423 }, 'retry'],
  [
    'Meta: is_transient',
    axiosError(500, { error: { code: 2, is_transient: true, fbtrace_id: 'A' } }),
    'retry',
  ],
  ['a flood', { status: 420 }, 'rate-limited'],
  ['bandwidth', { status: 509 }, 'rate-limited'],
])

judged('a refusal that says when to come back is a limit, whatever its status', [
  ['413', axiosError(413, '', { 'retry-after': '9' }), 'rate-limited 9000'],
  ['403 of GitHub', axiosError(403, {}, { 'retry-after': '60' }), 'rate-limited 60000'],
  [
    '403 of GitHub, the window used up',
    axiosError(
      403,
      {},
      {
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': '1700000060',
        date: new Date(17e11).toUTCString(),
      },
    ),
    'rate-limited 60000',
  ],
  [
    '403, the window not used up',
    axiosError(403, {}, { 'x-ratelimit-remaining': '7', 'x-ratelimit-reset': '60' }),
    'permanent',
  ],
  [
    '404 with the last of a window',
    axiosError(404, {}, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '60' }),
    'permanent',
  ],
  [
    '403 of GitHub, a secondary limit',
    axiosError(403, {
      message: 'You have exceeded a secondary rate limit.',
      documentation_url: 'https://docs.github.com/x',
    }),
    'rate-limited',
  ],
  [
    '403 of Google',
    axiosError(403, { error: { code: 403, errors: [{ reason: 'rateLimitExceeded' }] } }),
    'rate-limited',
  ],
  ['400 of Meta', axiosError(400, { error: { code: 131056, fbtrace_id: 'A' } }), 'rate-limited'],
  [
    '400 of Meta, of the account',
    axiosError(400, { error: { code: 130429, fbtrace_id: 'A' } }),
    'rate-limited group',
  ],
  ['400 of Lark', axiosError(400, { code: 230020, msg: 'x' }), 'rate-limited'],
  [
    '400 of Linear',
    axiosError(400, { errors: [{ message: 'x', extensions: { code: 'RATELIMITED' } }] }),
    'rate-limited',
  ],
  ['401 with a wait', axiosError(401, '', { 'retry-after': '9' }), 'rate-limited 9000'],
  ['rate-limiter-flexible', { msBeforeNext: 250, remainingPoints: 0, consumedPoints: 5 }, 'rate-limited 250'],
])

judged('a status of an error without an answer gives way to the wrapped error', [
  [
    'octokit: 500 of a refused connection',
    error('connect ECONNREFUSED 127.0.0.1:1', {
      name: 'HttpError',
      status: 500,
      cause: error('connect ECONNREFUSED 127.0.0.1:1', { code: 'ECONNREFUSED', syscall: 'connect' }),
    }),
    'not sent',
  ],
  [
    'Boom around a refused connection',
    error('x', { isBoom: true, code: 'ECONNREFUSED', output: { statusCode: 500 } }),
    'not sent',
  ],
  ['500 around a reset', error('x', { status: 500, cause: error('x', { code: 'ECONNRESET' }) }), 'ambiguous'],
  [
    '500 that was answered, around a refused connection',
    error('x', { status: 500, response: { headers: {} }, cause: error('x', { code: 'ECONNREFUSED' }) }),
    'ambiguous',
  ],
  [
    '500 whose text is that of the receiver',
    error('connect ECONNREFUSED 10.0.0.3:5432', { status: 500 }),
    'ambiguous',
  ],
  [
    'an error of the program’s own around an answer with a wait',
    error('send failed', { status: 429, cause: axiosError(429, {}, { 'retry-after': '5' }) }),
    'rate-limited 5000',
  ],
])
