import t from 'tap'
import { classifyError } from '../../../lib/delivery/classify/classify-error.js'
import { parseWait } from '../../../lib/delivery/classify/reading/wait.js'
import { axiosError, error, judged } from '../fixtures/verdicts.js'

/** By the answer's own clock, which is far from ours. */
const NOW = 1_700_000_000_000
const date = new Date(NOW).toUTCString()
const headers = (more: object) => axiosError(429, {}, { date, ...more })
const body = (more: object) => axiosError(429, more, { date })

judged('a wait is found in a body under any of its names', [
  ['Telegram', body({ parameters: { retry_after: 12 } }), 'rate-limited 12000'],
  ['Discord', body({ retry_after: 0.65 }), 'rate-limited 650'],
  ['Matrix', body({ retry_after_ms: 1120 }), 'rate-limited 1120'],
  ['deep in it', body({ error: { meta: { retry_after: 2 } } }), 'rate-limited 2000'],
  ['Zulip', body({ result: 'error', code: 'RATE_LIMIT_HIT', 'retry-after': 28.7 }), 'rate-limited 28700'],
  [
    'Google',
    body({
      error: {
        code: 429,
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'RATE_LIMIT_EXCEEDED',
            domain: 'googleapis.com',
          },
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '3.5s' },
        ],
      },
    }),
    'rate-limited 3500',
  ],
  [
    'Google, as its client has it',
    error('x', {
      code: 8,
      details: 'x',
      statusDetails: [{ retryDelay: { seconds: '2', nanos: 500_000_000 } }],
    }),
    'rate-limited 2500',
  ],
  [
    'a date',
    error('x', { status: 429, retryAfter: new Date(NOW + 3_000), headers: { date } }),
    'rate-limited 3000',
  ],
  ['GramJS', error('FLOOD', { code: 420, seconds: 291, errorMessage: 'FLOOD' }), 'rate-limited 291000'],
  ['MTProto, in the name', error('x', { code: 420, errorMessage: 'FLOOD_WAIT_17' }), 'rate-limited 17000'],
  ['MTProto, in words', error('A wait of 9 seconds is required', { code: 420 }), 'rate-limited 9000'],
  [
    "Slack's client, of a refusal with status 200",
    error('x', {
      code: 'slack_webapi_platform_error',
      data: { ok: false, error: 'ratelimited', response_metadata: { retryAfter: 30 } },
    }),
    'rate-limited 30000',
  ],
  ['as text', body({ retry_after: '4' }), 'rate-limited 4000'],
  [
    'the body before the header',
    axiosError(429, { retry_after: 3 }, { 'retry-after': '4' }),
    'rate-limited 3000',
  ],
])

judged('a wait is found in a header under any of its names', [
  ['seconds', headers({ 'retry-after': '30' }), 'rate-limited 30000'],
  ['an HTTP date', headers({ 'retry-after': new Date(NOW + 5_000).toUTCString() }), 'rate-limited 5000'],
  ['ms', headers({ 'retry-after-ms': '250', 'retry-after': '1' }), 'rate-limited 250'],
  ['Azure', headers({ 'x-ms-retry-after-ms': '750' }), 'rate-limited 750'],
  [
    'gRPC, pushed back (proposal A6)',
    error('x', { code: 8, details: 'x', metadata: { getMap: () => ({ 'grpc-retry-pushback-ms': '750' }) } }),
    'rate-limited 750',
  ],
  ['seconds until the reset', headers({ 'ratelimit-reset': '8' }), 'rate-limited 8000'],
  ['structured', headers({ ratelimit: '"default";r=0;t=30' }), 'rate-limited 30000'],
  [
    'structured, of an earlier draft',
    headers({ ratelimit: 'limit=5, remaining=0, reset=9' }),
    'rate-limited 9000',
  ],
  ['structured, not used up', headers({ ratelimit: '"default";r=5;t=30' }), 'rate-limited'],
  ['Discord', headers({ 'x-ratelimit-reset-after': '1.25', 'x-ratelimit-reset': '1' }), 'rate-limited 1250'],
  ['the epoch', headers({ 'x-ratelimit-reset': String(NOW / 1000 + 9) }), 'rate-limited 9000'],
  ['the epoch in ms', headers({ 'x-ratelimit-reset': String(NOW + 1_500) }), 'rate-limited 1500'],
  [
    'ISO 8601, as Mastodon',
    headers({ 'x-ratelimit-reset': new Date(NOW + 7_000).toISOString() }),
    'rate-limited 7000',
  ],
  [
    'AT Protocol',
    error('x', {
      status: 429,
      error: 'RateLimitExceeded',
      success: false,
      headers: { date, 'ratelimit-reset': String(NOW / 1000 + 4) },
    }),
    'rate-limited 4000',
  ],
  ['X', headers({ 'x-rate-limit-reset': String(NOW / 1000 + 2) }), 'rate-limited 2000'],
  [
    'a window that is not used up tells nothing',
    headers({ 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': '9' }),
    'rate-limited',
  ],
])

judged('a limit without a wait in a field has its wait read from the text', [
  [
    'grammY, its text alone',
    error("Call to 'sendMessage' failed! (429: Too Many Requests: retry after 12)"),
    'rate-limited 12000',
  ],
  [
    'node-telegram-bot-api, its text alone',
    error('ETELEGRAM: 429 Too Many Requests: retry after 5'),
    'rate-limited 5000',
  ],
  [
    'Rocket.Chat',
    axiosError(429, {
      success: false,
      error: 'Error, too many requests. You must wait 5 seconds before trying this endpoint again.',
    }),
    'rate-limited 5000',
  ],
  [
    'a fraction',
    body({ error: { message: 'Rate limit reached. Please try again in 1.5s.' } }),
    'rate-limited 1500',
  ],
  ['ms', body({ message: 'try again in 350ms' }), 'rate-limited 350'],
  ['minutes', body({ message: 'Try again in 2 minutes' }), 'rate-limited 120000'],
  [
    'a moment, as Gmail',
    body({
      error: { message: `User-rate limit exceeded.  Retry after ${new Date(NOW + 9_000).toISOString()}` },
    }),
    'rate-limited 9000',
  ],
  ['no number', body({ message: 'Try again in a while' }), 'rate-limited'],
  ['no limit', axiosError(400, { message: 'Wait 5 seconds' }), 'permanent'],
])

judged('an invalid wait counts as none', [
  ['0', headers({ 'retry-after': '0' }), 'rate-limited'],
  ['a date that is past', headers({ 'retry-after': new Date(NOW - 5_000).toUTCString() }), 'rate-limited'],
  ['an epoch that is past', headers({ 'x-ratelimit-reset': String(NOW / 1000 - 60) }), 'rate-limited'],
  ['below 0', body({ retry_after: -3 }), 'rate-limited'],
  [
    'a moment, as Gmail',
    body({
      error: { message: `User-rate limit exceeded.  Retry after ${new Date(NOW + 9_000).toISOString()}` },
    }),
    'rate-limited 9000',
  ],
  ['no number', body({ retry_after: Number.NaN }), 'rate-limited'],
  ['no end', body({ retry_after: Number.POSITIVE_INFINITY }), 'rate-limited'],
  ['null', body({ retry_after: null }), 'rate-limited'],
  ['words', headers({ 'retry-after': 'soon' }), 'rate-limited'],
  [
    '0 in the body, and a wait in the header',
    axiosError(429, { retry_after: 0 }, { 'retry-after': '4' }),
    'rate-limited 4000',
  ],
])

t.test('a wait is read in seconds, in ms, with a unit and as a date, and in no other form', async t => {
  t.equal(parseWait('120', 's', NOW), 120_000)
  t.equal(parseWait(' 0 ', 's', NOW), 0)
  t.equal(parseWait('1.5s', 'ms', NOW), 1_500)
  t.equal(parseWait('250ms', 's', NOW), 250)
  t.equal(parseWait(NOW / 1000 + 1, 's', NOW), 1_000)
  t.equal(parseWait(NOW + 1, 'ms', NOW), 1)
  for (const text of ['', '-1', 'soon', '2015-10-21', 'never 12', 'NaN', 'Infinity', '1e3', '9'.repeat(101)])
    t.equal(parseWait(text, 's', NOW), undefined, text)
  for (const value of [true, {}, [], Number.NaN, -1]) t.equal(parseWait(value, 's', NOW), undefined)
})

t.test('the time of a reset is compared with the wall clock if the answer has no date', async t => {
  const reset = new Date(Date.now() + 3_600_000).toISOString()
  const verdict = classifyError(axiosError(429, {}, { 'x-ratelimit-reset': reset }))
  t.match(verdict, { kind: 'rate-limited', afterMs: Number })
  t.ok('afterMs' in verdict && verdict.afterMs! <= 3_600_000)
})

judged('a wait is found in headers of any class, wherever a client keeps them', [
  [
    'Azure, @azure/ms-rest-js',
    error('x', { statusCode: 429, response: { headers: { rawHeaders: () => ({ 'Retry-After': '11' }) } } }),
    'rate-limited 11000',
  ],
  [
    'clients that Fern makes',
    error('x', {
      statusCode: 429,
      rawResponse: { headers: new Headers({ 'retry-after': '4' }), status: 429 },
    }),
    'rate-limited 4000',
  ],
])

judged('a wait that stands twice counts once', [
  ['as one header', axiosError(429, {}, { 'retry-after': '5, 5' }), 'rate-limited 5000'],
  [
    'as fetch joins them',
    error('x', {
      response: new Response(null, {
        status: 429,
        headers: [
          ['retry-after', '7'],
          ['retry-after', '7'],
        ],
      }),
    }),
    'rate-limited 7000',
  ],
])
