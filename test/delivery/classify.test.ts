import t from 'tap'
import { classifyError } from '../../lib/delivery/classify/classify-error.js'
import { parseWait } from '../../lib/delivery/classify/wait.js'
import { SendError } from '../../lib/delivery/send-error.js'
import type { Verdict } from '../../lib/delivery/types.js'
import { revoked } from './fixtures/revoked.js'

const notSent: Verdict = { kind: 'retry', charged: false }
const ambiguous: Verdict = { kind: 'ambiguous' }

function error(message: string, properties: object = {}): Error {
  return Object.assign(new Error(message), properties)
}
const system = (code: string, syscall?: string) => error(code, { code, ...(syscall && { syscall }) })
const fetchFailed = (cause: unknown) => new TypeError('fetch failed', { cause })
const named = (name: string, properties: object = {}) => error(name, { name, ...properties })

const cases: Record<string, [unknown, Verdict | Verdict['kind']][]> = {
  'an HTTP status': [
    [{ status: 301 }, 'permanent'],
    [{ status: 400 }, 'permanent'],
    [{ status: 401 }, 'halt'],
    [{ status: 403 }, 'permanent'],
    [{ status: 404 }, 'permanent'],
    [{ status: 407 }, 'halt'],
    [{ status: 408 }, ambiguous],
    [{ status: 409 }, 'permanent'],
    [{ status: 410 }, 'permanent'],
    [{ status: 413 }, 'permanent'],
    [{ status: 422 }, 'permanent'],
    [{ status: 425 }, notSent],
    [{ status: 429 }, { kind: 'rate-limited' }],
    [{ status: 500 }, ambiguous],
    [{ status: 501 }, ambiguous],
    [{ status: 502 }, ambiguous],
    [{ status: 503 }, ambiguous],
    [{ status: 504 }, ambiguous],
    [{ status: 521 }, notSent],
    [error('answer is no JSON', { status: 200 }), ambiguous],
    [error('x', { statusCode: 400 }), 'permanent'],
    [error('axios', { code: 'ERR_BAD_REQUEST', response: { status: 400 } }), 'permanent'],
    [error('got', { response: { statusCode: 502 } }), ambiguous],
    [new Response(null, { status: 403 }), 'permanent'],
    [error('not HTTP', { status: 14 }), ambiguous],
    [error('not HTTP', { status: 'failed' }), ambiguous],
  ],
  'a wait in a header or a body': [
    [
      { status: 429, headers: { 'retry-after': '30' } },
      { kind: 'rate-limited', afterMs: 30_000 },
    ],
    [
      { status: 429, headers: { 'Retry-After': 2 } },
      { kind: 'rate-limited', afterMs: 2_000 },
    ],
    [
      new Response(null, { status: 429, headers: { 'retry-after': '1.5' } }),
      { kind: 'rate-limited', afterMs: 1_500 },
    ],
    [
      { status: 503, headers: { 'retry-after': '120' } },
      { kind: 'rate-limited', afterMs: 120_000 },
    ],
    [
      error('x', { response: { status: 429, headers: { 'retry-after': ['7'] } } }),
      { kind: 'rate-limited', afterMs: 7_000 },
    ],
    [{ status: 429, headers: { 'retry-after': 'soon' } }, { kind: 'rate-limited' }],
    // No time at all is no wait: the backoff decides, else it would be sent in a loop.
    [{ status: 429, headers: { 'retry-after': '0' } }, { kind: 'rate-limited' }],
    [{ status: 503, headers: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' } }, ambiguous],
    [
      { status: 429, body: { retry_after: 0 }, headers: { 'retry-after': '4' } },
      { kind: 'rate-limited', afterMs: 4_000 },
    ],
    [
      { status: 429, headers: { 'retry-after-ms': '250', 'retry-after': '1' } },
      { kind: 'rate-limited', afterMs: 250 },
    ],
    [
      { status: 429, body: '{"retry_after": 0.65, "global": false}' },
      { kind: 'rate-limited', afterMs: 650 },
    ],
    [
      { status: 429, body: { retry_after: 3, global: true } },
      { kind: 'rate-limited', afterMs: 3_000, scope: 'group' },
    ],
    [
      { status: 429, headers: { 'x-ratelimit-global': 'true', 'retry-after': '3' } },
      { kind: 'rate-limited', afterMs: 3_000, scope: 'group' },
    ],
    [
      { status: 429, body: '{broken', headers: new Headers({ 'retry-after': '4' }) },
      { kind: 'rate-limited', afterMs: 4_000 },
    ],
  ],
  'a failure before the request': [
    ...[
      'ECONNREFUSED',
      'ENOTFOUND',
      'EAI_AGAIN',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'EMFILE',
      'CERT_HAS_EXPIRED',
      'UND_ERR_CONNECT_TIMEOUT',
    ].map(code => [fetchFailed(system(code)), notSent] as [unknown, Verdict]),
    [system('ETIMEDOUT', 'connect'), notSent],
    [
      error('Client network socket disconnected before secure TLS connection was established', {
        code: 'ECONNRESET',
      }),
      notSent,
    ],
    [
      Object.assign(
        new AggregateError([system('ECONNREFUSED', 'connect'), system('ENETUNREACH', 'connect')]),
        { code: 'ECONNREFUSED' },
      ),
      notSent,
    ],
    [
      Object.assign(new AggregateError([system('ETIMEDOUT', 'connect'), system('ETIMEDOUT', 'connect')]), {
        code: 'ETIMEDOUT',
      }),
      notSent,
    ],
  ],
  'a failure that may come after it': [
    ...[
      'ECONNRESET',
      'EPIPE',
      'ETIMEDOUT',
      'UND_ERR_SOCKET',
      'UND_ERR_HEADERS_TIMEOUT',
      'UND_ERR_BODY_TIMEOUT',
    ].map(code => [fetchFailed(system(code)), ambiguous] as [unknown, Verdict]),
    [system('EHOSTUNREACH', 'read'), ambiguous],
    [new AggregateError([system('ECONNREFUSED', 'connect'), system('ECONNRESET', 'read')]), ambiguous],
    [new DOMException('aborted', 'AbortError'), ambiguous],
    [new DOMException('timed out', 'TimeoutError'), ambiguous],
  ],
  'an error of ours': [
    [new SendError('x', { kind: 'permanent', reason: 'blocked' }), { kind: 'permanent', reason: 'blocked' }],
    [error('wrapped', { cause: new SendError('x', { kind: 'halt' }) }), { kind: 'halt' }],
    [named('SendError', { verdict: { kind: 'retry', afterMs: 5 } }), { kind: 'retry', afterMs: 5 }],
    [named('SendError', { verdict: { kind: 'whatever' } }), ambiguous],
    [error('Telegram is not configured'), 'halt'],
    [error('x', { code: 'ADAPTER_NOT_READY' }), 'halt'],
  ],
  grammY: [
    [
      named('GrammyError', {
        ok: false,
        error_code: 400,
        description: 'Bad Request: chat not found',
        parameters: {},
      }),
      'permanent',
    ],
    [
      named('GrammyError', {
        ok: false,
        error_code: 403,
        description: 'Forbidden: bot was blocked by the user',
      }),
      'permanent',
    ],
    [named('GrammyError', { ok: false, error_code: 401, description: 'Unauthorized' }), 'halt'],
    [
      named('GrammyError', { ok: false, error_code: 429, parameters: { retry_after: 12 } }),
      { kind: 'rate-limited', afterMs: 12_000 },
    ],
    [
      named('GrammyError', { ok: false, error_code: 400, parameters: { migrate_to_chat_id: -1001 } }),
      { kind: 'permanent', reason: 'the group moved to chat -1001' },
    ],
    [named('GrammyError', { ok: false, error_code: 502 }), ambiguous],
    [named('HttpError', { error: fetchFailed(system('ECONNREFUSED')) }), notSent],
    [named('HttpError', { error: named('FetchError', { type: 'system', code: 'ECONNRESET' }) }), ambiguous],
  ],
  'discord.js REST': [
    [
      named('RateLimitError[/channels/:id/messages]', { retryAfter: 1_234, global: false, scope: 'user' }),
      { kind: 'rate-limited', afterMs: 1_234 },
    ],
    [
      named('RateLimitError[/x]', { retryAfter: 500, global: true }),
      { kind: 'rate-limited', afterMs: 500, scope: 'group' },
    ],
    [
      named('DiscordAPIError[50013]', {
        status: 403,
        code: 50013,
        rawError: { message: 'Missing Permissions' },
      }),
      'permanent',
    ],
    [named('DiscordAPIError[0]', { status: 401, code: 0 }), 'halt'],
    [named('HTTPError', { status: 500 }), ambiguous],
  ],
  Slack: [
    [
      error('a rate limit was exceeded', { code: 'slack_webapi_rate_limited_error', retryAfter: 30 }),
      { kind: 'rate-limited', afterMs: 30_000 },
    ],
    [
      error('x', { code: 'slack_webapi_platform_error', data: { ok: false, error: 'channel_not_found' } }),
      { kind: 'permanent', reason: 'channel_not_found' },
    ],
    [
      error('x', { code: 'slack_webapi_platform_error', data: { ok: false, error: 'token_revoked' } }),
      { kind: 'halt', reason: 'token_revoked' },
    ],
    [
      error('x', { code: 'slack_webapi_platform_error', data: { ok: false, error: 'fatal_error' } }),
      ambiguous,
    ],
    [
      error('x', { code: 'slack_webapi_platform_error', data: { ok: false, error: 'constructor' } }),
      'permanent',
    ],
    [error('x', { code: 'slack_webapi_http_error', statusCode: 502, headers: {} }), ambiguous],
    [
      error('x', { code: 'slack_webapi_request_error', original: error('axios', { code: 'ECONNREFUSED' }) }),
      notSent,
    ],
    [
      error('x', { code: 'slack_webapi_request_error', original: error('axios', { code: 'ECONNRESET' }) }),
      ambiguous,
    ],
    [
      { ok: false, error: 'not_in_channel' },
      { kind: 'permanent', reason: 'not_in_channel' },
    ],
  ],
  'the AWS SDK': [
    [
      named('ThrottlingException', { $fault: 'client', $metadata: { httpStatusCode: 400 } }),
      { kind: 'rate-limited' },
    ],
    [
      named('Whatever', { $metadata: { httpStatusCode: 400 }, $retryable: { throttling: true } }),
      { kind: 'rate-limited' },
    ],
    [named('InternalFailure', { $metadata: { httpStatusCode: 500 }, $retryable: {} }), { kind: 'retry' }],
    [named('ExpiredTokenException', { $metadata: { httpStatusCode: 403 } }), 'halt'],
    [named('CredentialsProviderError'), 'halt'],
    [named('MessageRejected', { $fault: 'client', $metadata: { httpStatusCode: 400 } }), 'permanent'],
    [named('ThrottlingException'), ambiguous],
  ],
  'what nobody recognises': [
    ...[undefined, null, 0, 'text', Symbol('s'), {}, [], () => 1, new Error('x')].map(
      value => [value, ambiguous] as [unknown, Verdict],
    ),
    [
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('trap')
          },
        },
      ),
      ambiguous,
    ],
  ],
}

for (const [what, table] of Object.entries(cases)) {
  t.test(`${what} has its verdict`, async t => {
    for (const [given, expected] of table) {
      const name = given instanceof Error ? `${given.name} ${JSON.stringify(given)}` : typeof given
      if (typeof expected === 'string') t.equal(classifyError(given).kind, expected, name)
      else t.same(classifyError(given), expected, name)
    }
  })
}

t.test('what can not be looked at is ambiguous, wherever in an error it is', async t => {
  for (const given of [revoked(), { errors: revoked() }, { name: 'SendError', verdict: revoked() }])
    t.same(classifyError(given), ambiguous)
})

t.test('a chain of causes that goes round, or has no end, is ambiguous and ends', async t => {
  const round = error('a') as Error & { cause?: unknown }
  round.cause = error('b', { cause: round })
  t.same(classifyError(round), ambiguous)
  let long: Error = new SendError('too deep', { kind: 'permanent' })
  for (let i = 0; i < 100; i++) long = error('x', { cause: long })
  t.same(classifyError(long), ambiguous)
  const wide = error('x', { errors: Array.from({ length: 10_000 }, () => system('ECONNREFUSED')) })
  t.same(classifyError(wide), ambiguous)
})

t.test('Retry-After is read in seconds and as an HTTP date, and nothing else is taken for one', async t => {
  const now = Date.parse('Wed, 21 Oct 2015 07:28:00 GMT')
  t.equal(parseWait('120', 's', now), 120_000)
  t.equal(parseWait(' 0 ', 's', now), 0)
  t.equal(parseWait('Wed, 21 Oct 2015 07:28:30 GMT', 's', now), 30_000)
  t.equal(parseWait('Wed, 21 Oct 2015 07:27:00 GMT', 's', now), 0)
  for (const text of ['', '-1', 'soon', '2015-10-21', 'never 12', 'NaN', 'Infinity', '1e3'])
    t.equal(parseWait(text, 's', now), undefined)
})
