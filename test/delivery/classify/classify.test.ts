import t from 'tap'
import { classifyError } from '../../../lib/delivery/classify/classify-error.js'
import { SendError } from '../../../lib/delivery/errors/send-error.js'
import type { Verdict } from '../../../lib/delivery/types.js'
import { revoked } from '../fixtures/revoked.js'

const notSent: Verdict = { kind: 'retry', charged: false }
const ambiguous: Verdict = { kind: 'ambiguous' }

function error(message: string, properties: object = {}): Error {
  return Object.assign(new Error(message), properties)
}
const system = (code: string, syscall?: string) => error(code, { code, ...(syscall && { syscall }) })
const fetchFailed = (cause: unknown) => new TypeError('fetch failed', { cause })
const named = (name: string, properties: object = {}) => error(name, { name, ...properties })

const cases: Record<string, [unknown, Verdict | Verdict['kind']][]> = {
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
    [named('Whatever', { $metadata: { httpStatusCode: 400 }, $retryable: {} }), { kind: 'retry' }],
    [named('InternalFailure', { $metadata: { httpStatusCode: 500 }, $retryable: {} }), ambiguous],
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
  t.test(`each error has its verdict: ${what}`, async t => {
    for (const [given, expected] of table) {
      const name = given instanceof Error ? `${given.name} ${JSON.stringify(given)}` : typeof given
      if (typeof expected === 'string') t.equal(classifyError(given).kind, expected, name)
      else t.same(classifyError(given), expected, name)
    }
  })
}

t.test('an error with an unreadable part anywhere is ambiguous', async t => {
  for (const given of [revoked(), { errors: revoked() }, { name: 'SendError', verdict: revoked() }])
    t.same(classifyError(given), ambiguous)
})

t.test('an error with a circular or endless chain of causes is ambiguous', async t => {
  const round = error('a') as Error & { cause?: unknown }
  round.cause = error('b', { cause: round })
  t.same(classifyError(round), ambiguous)
  let long: Error = new SendError('too deep', { kind: 'permanent' })
  for (let i = 0; i < 100; i++) long = error('x', { cause: long })
  t.same(classifyError(long), ambiguous)
  const wide = error('x', { errors: Array.from({ length: 10_000 }, () => system('ECONNREFUSED')) })
  t.same(classifyError(wide), ambiguous)
})

t.test('an HTTP status without a meaning of its own means what its class does', async t => {
  for (const status of [301, 304, 400, 403, 404, 405, 409, 410, 413, 422, 451])
    t.same(classifyError({ status }), { kind: 'permanent', reason: `HTTP ${status}` })
  for (const status of [401, 402, 407])
    t.same(classifyError({ status }), { kind: 'halt', reason: `HTTP ${status}` })
  t.same(classifyError(new Response(null, { status: 403 })), { kind: 'permanent', reason: 'HTTP 403' })
  t.same(classifyError(error('answer is no JSON', { status: 200 })), ambiguous)
})

t.test('a rate limit of the whole account has the scope of the group', async t => {
  for (const given of [
    { status: 429, body: { retry_after: 3, global: true } },
    { status: 429, headers: { 'x-ratelimit-global': 'true', 'retry-after': '3' } },
    { status: 429, headers: new Headers({ 'x-ratelimit-scope': 'global', 'retry-after': '3' }) },
  ])
    t.same(classifyError(given), { kind: 'rate-limited', afterMs: 3_000, scope: 'group' })
})

t.test('reading an error is bounded, whatever it holds', async t => {
  let reads = 0
  const endless: object = new Proxy(
    {},
    {
      get: (_, name) => {
        reads++
        return name === 'stack' || typeof name === 'symbol' ? undefined : endless
      },
    },
  )
  t.same(classifyError(endless), ambiguous)
  let depth: unknown = { status: 400 }
  for (let i = 0; i < 1_000; i++) depth = { data: depth }
  t.same(classifyError(depth), ambiguous)
  const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`x-${i}`, '1'] as const))
  t.equal(classifyError({ status: 429, headers: wide }).kind, 'rate-limited')
  t.same(classifyError({ body: `{"status":400,"text":"${'x'.repeat(20_000)}"}` }), ambiguous)
  t.same(classifyError(error('not '.repeat(1_000_000))), ambiguous)
  t.ok(reads < 20_000, `${reads}`)
})
