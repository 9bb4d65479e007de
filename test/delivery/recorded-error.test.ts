import t from 'tap'
import { recordedError } from '../../lib/delivery/recorded-error.js'
import { redact } from '../../lib/delivery/redact.js'
import { revoked } from './fixtures/revoked.js'

const TOKEN = '123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-abc'

t.test('credentials in errors are redacted, and the rest of the message stays', async t => {
  for (const [text, expected] of [
    [
      `request to https://api.telegram.org/bot${TOKEN}/sendMessage failed`,
      'request to https://api.telegram.org/bot[redacted]/sendMessage failed',
    ],
    [
      `https://api.telegram.org/file/bot${TOKEN}/photo.jpg`,
      'https://api.telegram.org/file/bot[redacted]/photo.jpg',
    ],
    ['https://api.telegram.org/bot1:AA/getMe', 'https://api.telegram.org/bot[redacted]/getMe'],
    [`token ${TOKEN} is bad`, 'token [redacted] is bad'],
    ['connect to postgres://user:pa%20ss@db:5432/x', 'connect to postgres://[redacted]@db:5432/x'],
    [
      'GET https://x.test/send?chat=1&token=s3cret&text=hi',
      'GET https://x.test/send?chat=1&token=[redacted]&text=hi',
    ],
    ['https://x.test/?access_token=a.b-c', 'https://x.test/?access_token=[redacted]'],
    ['https://x.test/?api_key=abc&page=2', 'https://x.test/?api_key=[redacted]&page=2'],
    [
      'https://hooks.slack.com/services/T00/B00/XXXX failed',
      'https://hooks.slack.com/services/[redacted] failed',
    ],
    [
      'https://discord.com/api/webhooks/123/abc-DEF_1 failed',
      'https://discord.com/api/webhooks/123/[redacted] failed',
    ],
    ['Authorization: Bearer abc.def', 'Authorization: [redacted]'],
    ['{"authorization":"Bot abc","a":1}', '{"authorization":"[redacted]","a":1}'],
    ['invalid xoxb-1234-abcd', 'invalid [redacted]'],
    ['Forbidden: bot was blocked by the user', 'Forbidden: bot was blocked by the user'],
    [
      'chat 12345 not found: basic group chat was upgraded',
      'chat 12345 not found: basic group chat was upgraded',
    ],
    ['connect ECONNREFUSED 127.0.0.1:8080', 'connect ECONNREFUSED 127.0.0.1:8080'],
  ] as const) {
    t.equal(redact(text), expected)
  }
})

t.test('what is recorded of an error is bounded', async t => {
  const error = Object.assign(new Error('x'.repeat(100_000)), {
    name: 'n'.repeat(1_000),
    code: 'c'.repeat(1_000),
  })
  const recorded = recordedError(error, 7)
  t.equal(recorded.name.length, 100)
  t.equal(recorded.message.length, 500)
  t.equal(recorded.code?.length, 100)
  t.equal(recorded.at, 7)
})

t.test('a secret at the edge of what is kept is redacted before it is cut', async t => {
  const recorded = recordedError(new Error(`${'x'.repeat(480)} https://u:${'p'.repeat(100)}@host/`), 0)
  t.notMatch(recorded.message, /ppp/)
})

t.test('a wrapper that says nothing shows what it wraps', async t => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  t.match(recordedError(new TypeError('fetch failed', { cause }), 0), {
    name: 'TypeError',
    message: 'fetch failed: connect ECONNREFUSED',
    code: 'ECONNREFUSED',
  })
})

t.test('anything that can be thrown can be recorded', async t => {
  const hostile = new Proxy(
    {},
    {
      get: () => {
        throw new Error('trap')
      },
    },
  )
  for (const value of [
    undefined,
    null,
    0,
    '',
    'text',
    Symbol('s'),
    10n,
    {},
    [],
    () => 1,
    hostile,
    revoked(),
    Object.create(null),
  ]) {
    const { name, message } = recordedError(value, 0)
    t.type(name, 'string')
    t.type(message, 'string')
  }
  t.match(recordedError('plain text', 0), { name: 'string', message: 'plain text' })
})
