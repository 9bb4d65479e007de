import { error, judged } from '../fixtures/verdicts.js'

const system = (code: string, syscall?: string) => error(code, { code, ...(syscall && { syscall }) })
const fetchFailed = (cause: unknown) => new TypeError('fetch failed', { cause })
const gotTimeout = (event: string) =>
  error(`Timeout awaiting '${event}' for 100ms`, { name: 'TimeoutError', code: 'ETIMEDOUT', event })
const grpc = (code: number, details: string) =>
  error(`${code} X: ${details}`, { code, details, metadata: {} })

judged('an error before a connection stood means not sent', [
  ...[
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EMFILE',
    'CERT_HAS_EXPIRED',
    'CERT_REVOKED',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'UND_ERR_CONNECT_TIMEOUT',
  ].map(code => [code, fetchFailed(system(code)), 'not sent'] as const),
  ['ETIMEDOUT of connect', system('ETIMEDOUT', 'connect'), 'not sent'],
  ['EACCES of connect', system('EACCES', 'connect'), 'not sent'],
  ['a Unix socket that is not there', system('ENOENT', 'connect'), 'not sent'],
  ['a program that is not there', system('ENOENT', 'spawn signal-cli'), 'not sent'],
  ['a query of DNS', system('ETIMEOUT', 'queryA'), 'not sent'],
  [
    'a reset in the handshake',
    error('Client network socket disconnected before secure TLS connection was established', {
      code: 'ECONNRESET',
    }),
    'not sent',
  ],
  [
    'every address refused',
    Object.assign(new AggregateError([system('ECONNREFUSED', 'connect'), system('ENETUNREACH', 'connect')]), {
      code: 'ECONNREFUSED',
    }),
    'not sent',
  ],
  ['a list of errors that is empty', error('x', { code: 'ECONNREFUSED', errors: [] }), 'not sent'],
  ['got: lookup', gotTimeout('lookup'), 'not sent'],
  ['got: connect', gotTimeout('connect'), 'not sent'],
  ['got: secureConnect', gotTimeout('secureConnect'), 'not sent'],
  [
    'node-fetch, its text alone',
    error('request to https://x.test/ failed, reason: connect ECONNREFUSED 1.2.3.4:443'),
    'not sent',
  ],
  [
    'a program’s text before it',
    error('Delivery to room 7 failed: connect ECONNREFUSED 127.0.0.1:9'),
    'not sent',
  ],
  ['Node, its text alone', error('connect ECONNREFUSED 127.0.0.1:9'), 'not sent'],
  [
    'firebase-admin, which keeps the code in its text alone',
    error('Error while making request: connect ECONNREFUSED 127.0.0.1:9. Error code: ECONNREFUSED', {
      code: 'app/network-error',
    }),
    'not sent',
  ],
  ['Node, its text alone: no name', error('getaddrinfo ENOTFOUND api.test'), 'not sent'],
])

judged("an error before a proxy's tunnel stood means not sent", [
  [
    'undici',
    fetchFailed(
      error('Request was cancelled.', {
        code: 0,
        cause: error('Proxy response (503) !== 200 when HTTP Tunneling', {
          name: 'AbortError',
          code: 'UND_ERR_ABORTED',
        }),
      }),
    ),
    'not sent',
  ],
  [
    'undici, a proxy that wants credentials',
    error('Proxy response (407) !== 200 when HTTP Tunneling', { code: 'UND_ERR_ABORTED' }),
    'halt',
  ],
  [
    'tunnel',
    error('tunneling socket could not be established, statusCode=503', { code: 'ECONNRESET' }),
    'not sent',
  ],
  ['Node', error('Failed to establish tunnel', { code: 'ERR_PROXY_TUNNEL' }), 'not sent'],
  ['https-proxy-agent', error('Proxy connection ended before receiving CONNECT response'), 'not sent'],
  ['socks', error('Socks5 proxy rejected connection - Failure'), 'not sent'],
])

judged('an HTTP/2 stream that was refused or never opened means not sent', [
  ['a session that goes away', system('ERR_HTTP2_GOAWAY_SESSION'), 'not sent'],
  ['a session that is over', system('ERR_HTTP2_INVALID_SESSION'), 'not sent'],
  ['a stream in a queue', system('ERR_HTTP2_STREAM_CANCEL'), 'not sent'],
  [
    'a refused stream',
    error('Stream closed with error code NGHTTP2_REFUSED_STREAM', { code: 'ERR_HTTP2_STREAM_ERROR' }),
    'not sent',
  ],
  [
    'any other stream',
    error('Stream closed with error code NGHTTP2_INTERNAL_ERROR', { code: 'ERR_HTTP2_STREAM_ERROR' }),
    'ambiguous',
  ],
])

judged('an error in making the request means not sent', [
  ['no URL', system('ERR_INVALID_URL'), 'not sent'],
  [
    'no URL, of fetch',
    new TypeError('Failed to parse URL from nowhere', { cause: system('ERR_INVALID_URL') }),
    'not sent',
  ],
  ['no URL, its text alone', new TypeError('Invalid URL'), 'not sent'],
  ['node-fetch', new TypeError('Only absolute URLs are supported'), 'not sent'],
])

judged('an adapter that says that it is absent has not sent', [
  ['OpenClaw', error('No active WhatsApp Web listener (account: default). Start the gateway.'), 'not sent'],
  ['OpenClaw, its code', error('x', { code: 'OPENCLAW_PLATFORM_MESSAGE_NOT_DISPATCHED' }), 'not sent'],
  ['not connected', error('Not connected'), 'not sent'],
  ['a client that is not connected', error('Signal client is not connected'), 'not sent'],
  ['a code for it', error('x', { code: 'ERR_NOT_CONNECTED' }), 'not sent'],
  ['ws', error('WebSocket is not open: readyState 0 (CONNECTING)'), 'not sent'],
  ['GramJS', error('Cannot send requests while disconnected. You need to call .connect()'), 'not sent'],
  ['amqplib', error('Channel closed'), 'not sent'],
])

judged('an open circuit breaker or limiter of the program means not sent', [
  ['opossum', error('Breaker is open', { code: 'EOPENBREAKER' }), 'not sent'],
  ['cockatiel', error('x', { name: 'BrokenCircuitError', isBrokenCircuitError: true }), 'not sent'],
  ['Bottleneck', error('This job has been dropped by Bottleneck', { name: 'BottleneckError' }), 'not sent'],
  ['a limit by its name', error('x', { name: 'RateLimitExceededError' }), 'rate-limited'],
])

judged('an error on an established connection is ambiguous', [
  ...[
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'UND_ERR_SOCKET',
    'UND_ERR_HEADERS_TIMEOUT',
    'UND_ERR_BODY_TIMEOUT',
  ].map(code => [code, fetchFailed(system(code)), 'ambiguous'] as const),
  ['EHOSTUNREACH of read', system('EHOSTUNREACH', 'read'), 'ambiguous'],
  [
    'one address of two',
    new AggregateError([system('ECONNREFUSED', 'connect'), system('ECONNRESET', 'read')]),
    'ambiguous',
  ],
  ['an abort', new DOMException('aborted', 'AbortError'), 'ambiguous'],
  ['a time-out', new DOMException('timed out', 'TimeoutError'), 'ambiguous'],
  ['got: response', gotTimeout('response'), 'ambiguous'],
  ['got: socket', gotTimeout('socket'), 'ambiguous'],
  ['a hang-up', error('socket hang up', { code: 'ECONNRESET' }), 'ambiguous'],
  ['a connection that closed', error('Connection closed'), 'ambiguous'],
  [
    'Baileys 428',
    error('Connection Closed', { isBoom: true, output: { statusCode: 428, payload: {} } }),
    'ambiguous',
  ],
  [
    'Baileys 408',
    error('Timed Out', { isBoom: true, output: { statusCode: 408, payload: {} } }),
    'ambiguous',
  ],
])

judged('an error text that quotes a connection failure is not taken for one', [
  [
    'a receiver that could not reach its own',
    error('upstream said: "connect ECONNREFUSED 10.0.0.5:5432"'),
    'ambiguous',
  ],
  ['after a status', error('The webhook answered 500: connect ECONNREFUSED 10.0.0.5:5432'), 'ambiguous'],
  ['before something else', error('x: connect ECONNREFUSED 10.0.0.5:5432, said the receiver'), 'ambiguous'],
  ['JSON', error('Webhook failed: {"error":"connect ECONNREFUSED 10.0.0.5:5432"}'), 'ambiguous'],
  ['not connected, quoted', error('Bad Request: can’t parse "printer is not connected"'), 'ambiguous'],
])

judged('only the beginning of an error text may halt more than a channel', [
  ['a code', error('x', { code: 'ADAPTER_NOT_READY' }), 'halt'],
  ['a beginning', error('Telegram is not configured'), 'halt'],
  ['a beginning of a few words', error('The Telegram bot has not been configured'), 'halt'],
  ['an adapter', error('No adapter for telegram'), 'halt'],
  ['@discordjs/rest', error('Expected token to be set for this request, but none was present'), 'halt'],
  [
    'the middle',
    error('Delivery to room 17 of the second floor failed: transport not configured'),
    'halt channel',
  ],
  ['behind somebody’s colon', error('Bad Request: my VPN is not configured'), 'halt channel'],
  ['the middle, quoted', error('can’t parse entities in "my VPN is not configured"'), 'ambiguous'],
  ['the middle, quoted otherwise', error("can't parse entities in 'my VPN is not configured'"), 'ambiguous'],
  ['the middle of JSON', error('failed: {"text":"my VPN is not configured"}'), 'ambiguous'],
  ['beside a status', error('my VPN is not configured', { status: 400 }), 'permanent'],
  ['far behind', error(`${'long '.repeat(200)} not configured`), 'ambiguous'],
])

judged('a gRPC code is read only in a client’s own error', [
  ['INVALID_ARGUMENT', grpc(3, 'x'), 'permanent'],
  ['DEADLINE_EXCEEDED', grpc(4, 'x'), 'ambiguous'],
  ['PERMISSION_DENIED', grpc(7, 'x'), 'permanent'],
  ['RESOURCE_EXHAUSTED', grpc(8, 'x'), 'rate-limited'],
  ['ABORTED', grpc(10, 'x'), 'retry'],
  ['INTERNAL', grpc(13, 'x'), 'ambiguous'],
  ['UNAVAILABLE', grpc(14, 'Connection dropped'), 'ambiguous'],
  [
    'UNAVAILABLE, never connected',
    grpc(14, 'No connection established. Last error: connect ECONNREFUSED'),
    'not sent',
  ],
  ['UNAUTHENTICATED', error('16 UNAUTHENTICATED', { code: 16, details: 'x' }), 'halt'],
  ['Connect', error('x', { name: 'ConnectError', code: 16, rawMessage: 'x' }), 'halt'],
  ['a small number of somebody else', error('x', { code: 16 }), 'ambiguous'],
  ['the body of a tenant', error('x', { status: 400, body: { code: 16, details: 'x' } }), 'permanent'],
])

judged("a client's failure without a telling code is recognised by its text", [
  [
    'node-fetch, a proxy that hung up',
    error(
      'request to https://x.example/ failed, reason: Proxy connection ended before receiving CONNECT response',
      { type: 'system' },
    ),
    'not sent',
  ],
  [
    'node-fetch, SOCKS',
    error('request to https://x.example/ failed, reason: Socks5 proxy rejected connection - Failure'),
    'not sent',
  ],
  [
    'undici, a proxy that hung up',
    error('fetch failed', { cause: error('x', { code: 'UND_ERR_PRX_CONN' }) }),
    'not sent',
  ],
  ['node-telegram-bot-api', error('EFATAL: AggregateError', { code: 'EFATAL' }), 'not sent'],
  [
    'no agreement on TLS, while it was written',
    error('write EPROTO 80E8:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:x.c:354:', {
      code: 'EPROTO',
      syscall: 'write',
    }),
    'not sent',
  ],
  [
    'TLS that broke later',
    error('write EPROTO 80E8:error:0A000119:SSL routines:ssl3_read_bytes:bad record mac:x.c:354:', {
      code: 'EPROTO',
      syscall: 'write',
    }),
    'ambiguous',
  ],
  ['fetch, a port that it will not use', error('fetch failed', { cause: error('bad port') }), 'not sent'],
  [
    'fetch, a header that is none',
    error('Headers.append: "Bearer x\n" is an invalid header value.'),
    'not sent',
  ],
  ['fetch, no redirect wanted', error('fetch failed', { cause: error('unexpected redirect') }), 'permanent'],
  [
    'node-fetch, no redirect wanted',
    error('uri requested responds with a redirect, redirect mode is set to error: https://x.example/'),
    'permanent',
  ],
  ['mqtt.js', error('No connection to broker'), 'not sent'],
  [
    'grpc-js, no credentials',
    error('x', {
      code: 2,
      details: 'Getting metadata from plugin failed with error: getaddrinfo ENOTFOUND x',
    }),
    'not sent',
  ],
  [
    'grpc-js, too large for it',
    error('x', { code: 8, details: 'Attempted to send message with a size larger than 4194304' }),
    'permanent',
  ],
  [
    'grpc-js, an answer that is too large for it',
    error('x', { code: 8, details: 'Received message larger than max (5242880 vs 4194304)' }),
    'ambiguous',
  ],
  [
    'twitter-api-v2',
    error('Request failed.', {
      type: 'request',
      requestError: error('x', { code: 'ECONNREFUSED', syscall: 'connect' }),
    }),
    'not sent',
  ],
  [
    'Apollo and urql',
    error('[Network] fetch failed', {
      networkError: error('x', { code: 'ECONNREFUSED', syscall: 'connect' }),
      graphQLErrors: [],
    }),
    'not sent',
  ],
  ['Envoy before gRPC', error('x', { code: 14, details: 'no healthy upstream' }), 'not sent'],
  [
    'Envoy before gRPC, a connection that broke',
    error('x', {
      code: 14,
      details:
        'upstream connect error or disconnect/reset before headers. reset reason: connection termination',
    }),
    'ambiguous',
  ],
  [
    'verror, whose cause is a function',
    error('while sending', {
      cause: () => undefined,
      jse_cause: error('x', { code: 'ENOTFOUND', syscall: 'getaddrinfo' }),
    }),
    'not sent',
  ],
  ['somebody else’s ResponseError', error('Bad gateway', { name: 'ResponseError' }), 'ambiguous'],
])

judged('a connection timeout of the AWS SDK means not sent', [
  [
    'as it said it',
    error('Socket timed out without establishing a connection within 1000 ms', {
      name: 'TimeoutError',
      $metadata: { attempts: 1 },
    }),
    'not sent',
  ],
  [
    'as it says it',
    error(
      '@smithy/node-http-handler - the request socket did not establish a connection with the server within the configured timeout of 1000 ms.',
      { name: 'TimeoutError', $metadata: { attempts: 1 } },
    ),
    'not sent',
  ],
  [
    'an answer that it waited for',
    error('Connection timed out after 3000 ms', { name: 'TimeoutError', $metadata: { attempts: 1 } }),
    'ambiguous',
  ],
])

judged('credentials that are missing or refused before the request halt', [
  [
    '@azure/identity',
    error('x', {
      name: 'AuthenticationError',
      statusCode: 400,
      errorResponse: { error: 'invalid_client', errorDescription: 'AADSTS7000222: expired' },
    }),
    'halt',
  ],
  ['@azure/identity, none', error('x', { name: 'CredentialUnavailableError' }), 'halt'],
  [
    'MSAL',
    error('x', { errorCode: 'invalid_client', errorMessage: 'AADSTS7000215', correlationId: 'c' }),
    'halt',
  ],
  ['google-auth-library', error('Could not load the default credentials. Browse to …'), 'halt'],
  ['a proxy', error('tunneling socket could not be established, statusCode=407'), 'halt'],
  [
    'another code of MSAL',
    error('x', { errorCode: 'x', errorMessage: 'y', correlationId: 'c' }),
    'ambiguous',
  ],
])
