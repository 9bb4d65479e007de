import t from 'tap'
import { credentialShapes } from '../../../lib/delivery/redact/credential-shapes.js'
import { publicText, redact } from '../../../lib/delivery/redact/redact.js'

/** Made up, and put together here, so that no one who looks for leaked keys finds one. */
const letters = (count: number) => 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ'.repeat(Math.ceil(count / 26)).slice(0, count)
const hex = (count: number) => '0123456789abcdef'.repeat(Math.ceil(count / 16)).slice(0, count)
const capitals = (count: number) => letters(count).toUpperCase()
const TOKEN = `123456789:AA${letters(33)}`

const credentials: Readonly<Record<string, readonly string[]>> = {
  'a private key (PEM)': [
    `-----BEGIN RSA PRIVATE KEY-----\n${letters(64)}\n${letters(64)}\n-----END RSA PRIVATE KEY-----`,
    `-----BEGIN PRIVATE KEY-----\\n${letters(64)}`,
  ],
  'a JSON Web Token': [`eyJ${letters(20)}.eyJ${letters(40)}.${letters(43)}`],
  'an encrypted JSON Web Token': [`eyJ${letters(20)}..${letters(16)}.${letters(40)}.${letters(22)}`],
  Telegram: [TOKEN, TOKEN.replace(':', '%3A')],
  Discord: [`M${letters(25)}.${letters(6)}.${letters(38)}`],
  Slack: ['xoxb', 'xoxp', 'xoxe.xoxp', 'xapp'].map(kind => `${kind}-1-${letters(24)}`),
  'OpenAI, Anthropic, DeepSeek and others': [
    `sk-${letters(48)}`,
    `sk-proj-${letters(40)}`,
    `sk-ant-api03-${letters(93)}AA`,
  ],
  SendGrid: [`SG.${letters(22)}.${letters(43)}`],
  Resend: [`re_${letters(8)}_${letters(24)}`],
  Mailgun: [`key-${hex(32)}`],
  'Mailgun, newer': [`${hex(32)}-${hex(8)}-${hex(8)}`],
  Mailchimp: [`${hex(32)}-us12`],
  Brevo: [`xkeysib-${hex(64)}-${letters(16)}`],
  Twilio: [`SK${hex(32)}`],
  GitHub: ['ghp', 'gho', 'ghs', 'ghu', 'ghr'].map(kind => `${kind}_${letters(36)}`),
  'GitHub, fine-grained': [`github_pat_${letters(22)}_${letters(59)}`],
  GitLab: [`glpat-${letters(20)}`],
  npm: [`npm_${letters(36)}`],
  PyPI: [`pypi-AgEIcHlwaS5vcmc${letters(50)}`],
  AWS: [`AKIA${capitals(16)}`, `ASIA${capitals(16)}`],
  'Alibaba Cloud': [`LTAI${letters(20)}`],
  'Tencent Cloud': [`AKID${letters(32)}`],
  'Google: API key': [`AIza${letters(35)}`],
  'Google: OAuth': [`ya29.${letters(40)}`, `1//0${letters(40)}`, `GOCSPX-${letters(28)}`],
  'Azure AD': [`abc1Q~${letters(34)}`.replace('abc1', 'abc8')],
  Meta: [`EAA${letters(60)}`],
  Stripe: [`sk_live_${letters(24)}`, `rk_test_${letters(24)}`],
  'Standard Webhooks, Svix, Stripe: signing secret': [`whsec_${letters(32)}`],
  Square: [`sq0atp-${letters(22)}`],
  Shopify: [`shpat_${hex(32)}`],
  DigitalOcean: [`dop_v1_${hex(64)}`],
  'HashiCorp Vault': [`hvs.${letters(30)}`],
  'Hugging Face': [`hf_${letters(34)}`],
  'Groq, xAI, Perplexity, Replicate': [`gsk_${letters(48)}`, `xai-${letters(48)}`],
  'Matrix, Synapse': [`syt_Ym90_${'abcdeFGHIJklmnoPQRST'}_0a1B2c`],
  Notion: [`ntn_${letters(46)}`, `secret_${letters(43)}`],
  Linear: [`lin_api_${letters(40)}`],
  Grafana: [`glsa_${letters(32)}_${hex(8)}`],
  Sentry: [`sntrys_${letters(40)}`],
  Databricks: [`dapi${hex(32)}`],
  Dynatrace: [`dt0c01.${capitals(24)}.${capitals(64)}`],
  'New Relic': [`NRAK-${capitals(27)}`],
  Postman: [`PMAK-${hex(24)}-${hex(34)}`],
  Doppler: [`dp.pt.${letters(43)}`],
  Supabase: [`sbp_${hex(40)}`],
  Atlassian: [`ATATT3xFf${letters(60)}`],
  Airtable: [`pat${letters(14)}.${hex(64)}`],
  Docker: [`dckr_pat_${letters(27)}`],
  age: [`AGE-SECRET-KEY-1${capitals(58)}`],
  '1Password': [`ops_eyJ${letters(60)}`],
}

t.test('a credential of every known form is redacted, wherever it stands', async t => {
  t.same(Object.keys(credentials).sort(), credentialShapes.map(({ of }) => of).sort())
  for (const { of } of credentialShapes) {
    for (const credential of credentials[of] ?? []) {
      for (const [before, after] of [
        ['', ''],
        ['the key ', ' is not valid'],
        ['{"a":"', '"}'],
        ["('", "')"],
        ['k: ', '.'],
      ] as const) {
        const text = redact(`${before}${credential}${after}`)
        for (const part of credential.split(/[.:-]/).filter(part => part.length > 9)) {
          if (!/^(?:BEGIN|END|SECRET)/.test(part)) t.notOk(text.includes(part), `${of}: ${text}`)
        }
        t.ok(text.startsWith(before), `${of}: ${text}`)
      }
    }
  }
})

t.test('redaction leaves the text around a credential', async t => {
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
    ['Cannot POST /hooks/x9geniwk3pgyzpcwmh5bs4sr5h', 'Cannot POST /hooks/[redacted]'],
    ['POST /bot1:AA/getMe: 404', 'POST /bot[redacted]/getMe: 404'],
    [`token ${TOKEN} is bad`, 'token [redacted] is bad'],
    ['Authorization: Bearer abc.def', 'Authorization: [redacted]'],
    ['{"authorization":"Bot abc","a":1}', '{"authorization":"[redacted]","a":1}'],
    ["headers: [ 'X-Api-Key', 'abc' ]", "headers: [ 'X-Api-Key', '[redacted]' ]"],
    ['Cookie: a=b; c=d', 'Cookie: [redacted]'],
    ['Authorization: Digest username="bob", response="abc"', 'Authorization: [redacted]'],
    ['Headers.append: "Bearer abc\ndef" is an invalid header value.', 'Headers.append: [redacted]'],
    ['sent Bearer abc123def', 'sent Bearer [redacted]'],
    ['Basic dXNlcjpwYXNzd29yZA==', 'Basic [redacted]'],
    ['{"password":"correct horse"}', '{"password":"[redacted]"}'],
    ['TELEGRAM_BOT_TOKEN=abc; next', 'TELEGRAM_BOT_TOKEN=[redacted]; next'],
    ['Server=db;User Id=sa;Password=p4ss!;', 'Server=db;User Id=sa;Password=[redacted];'],
    ['GET /send?key=abc&text=hi: 500', 'GET /send?key=[redacted]&text=[redacted] 500'],
    ['Incorrect API key provided: 1234abcd5678', 'Incorrect API key provided: [redacted]'],
    ['invalid token "abc123def456"', 'invalid token "[redacted]"'],
    ['access_token: abcdef123456 (sent)', 'access_token: [redacted] (sent)'],
    ['password: hunter2', 'password: [redacted]'],
    ["password is 'hunter2'", "password is '[redacted]'"],
    ["auth: { user: 'bob', pass: 'correct horse' }", "auth: { user: 'bob', pass: '[redacted]' }"],
    ['SMTP_PASS=hunter2 node', 'SMTP_PASS=[redacted] node'],
    ['X-Hub-Signature-256: sha256=abc', 'X-Hub-Signature-256: [redacted]'],
    ['Ocp-Apim-Subscription-Key: abc123', 'Ocp-Apim-Subscription-Key: [redacted]'],
    ['session_id=abc sig=def', 'session_id=[redacted] sig=[redacted]'],
    [
      'Command failed: curl -u bob:hunter2 https://x.test',
      'Command failed: curl -u bob:[redacted] https://x.test',
    ],
    ['a tunnel through bob:hunter2@proxy.test:8080', 'a tunnel through bob:[redacted]@proxy.test:8080'],
    ['535 after AUTH PLAIN AGJvYgBodW50ZXIy', '535 after AUTH PLAIN [redacted]'],
    [`Bearer%20${letters(24)}`, 'Bearer%20[redacted]'],
    [`AC${hex(32)}:${hex(32)} is unknown`, `AC${hex(32)}:[redacted] is unknown`],
    [`POST /interactions/123/${letters(24)}/callback: 404`, 'POST /interactions/[redacted] 404'],
    [`a run of ${letters(48)} of all kinds`, 'a run of [redacted] of all kinds'],
  ] as const) {
    t.equal(redact(text), expected)
  }
})

t.test('redaction leaves the scheme, the host and the words of the path of a URL', async t => {
  const uuid = '0b3f2b6e-5c1d-4e8a-9f00-7d1f6c2a9e11'
  for (const [url, expected] of [
    ['postgres://user:pa%20ss@db:5432/app', 'postgres://[redacted]@db:5432/app'],
    ['amqp://user:p@ss/w0rd@mq.test:5672/v', 'amqp://[redacted]@mq.test:5672/v'],
    [
      'mongodb+srv://u:p@c0.test/db?retryWrites=true',
      'mongodb+srv://[redacted]@c0.test/db?retryWrites=[redacted]',
    ],
    ['https://x.test/send?chat=1&token=s3cret', 'https://x.test/send?chat=[redacted]&token=[redacted]'],
    ['https://x.test/cb#access_token=abc', 'https://x.test/cb#[redacted]'],
    ['https://hooks.slack.com/services/T00/B00/XXXX', 'https://hooks.slack.com/[redacted]'],
    ['https://discord.com/api/webhooks/123/abc-DEF_1', 'https://discord.com/api/webhooks/[redacted]'],
    [
      `https://contoso.webhook.office.com/webhookb2/${uuid}@${uuid}/IncomingWebhook/${hex(32)}/${uuid}`,
      'https://contoso.webhook.office.com/[redacted]',
    ],
    [
      `https://open.feishu.cn/open-apis/bot/v2/hook/${uuid}`,
      'https://open.feishu.cn/open-apis/bot/v2/hook/[redacted]',
    ],
    ['https://chat.example/hooks/qwertyuiopasdfghjklzxcvbnm', 'https://chat.example/hooks/[redacted]'],
    ['https://hooks.zapier.com/hooks/catch/1234567/abcdef/', 'https://hooks.zapier.com/[redacted]'],
    [`https://hook.eu2.make.com/${letters(32)}`, 'https://hook.eu2.make.com/[redacted]'],
    [
      `https://maker.ifttt.com/trigger/alarm/with/key/${letters(22)}`,
      'https://maker.ifttt.com/trigger/alarm/with/key/[redacted]',
    ],
    [
      `https://prod-1.logic.azure.com/workflows/${hex(32)}/triggers/manual`,
      'https://prod-1.logic.azure.com/workflows/[redacted]/triggers/manual',
    ],
    [`https://n8n.test/flows/${uuid}`, 'https://n8n.test/flows/[redacted]'],
    [String.raw`https:\/\/hooks.example.com\/a\/b`, 'https://hooks.example.com/[redacted]'],
  ] as const) {
    t.equal(redact(`to ${url} failed`), `to ${expected} failed`)
    t.equal(redact(`(${url}).`), `(${expected}).`)
  }
})

t.test('redaction leaves ordinary texts unchanged', async t => {
  for (const text of [
    'Forbidden: bot was blocked by the user',
    'Bad Request: message text is empty',
    'chat 12345 not found: basic group chat was upgraded to a supergroup chat',
    'the group moved to chat -1001234567890',
    'connect ECONNREFUSED 127.0.0.1:8080',
    'getaddrinfo ENOTFOUND api.telegram.org',
    'message 0192f3c4-7b1a-7c3d-8e9f-0123456789ab of channel 1234567890123456789 is a dead letter',
    'trace 0123456789abcdef0123456789abcdef, sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    "ENOENT: no such file or directory, open '/srv/app/outbox/messages/0000000001-0000000002.log'",
    'at send (file:///srv/app/dist/x9F3kd83hfkQ2/send.js:10:5)',
    String.raw`C:\Users\Anna1\outbox\control\status.json`,
    'Error in /srv/app/hooks/pre-commit.js and ./lib/webhooks/handler.ts:12',
    'password: required',
    'token expired at 2026-01-01T00:00:00.000Z',
    'authorization: required',
    'pass: 3, fail: 2; auth: failed; password: must not be empty',
    'mail to bob:anna@example.com',
    'the token is missing, the token has expired; basic authentication was refused',
    'max_tokens=4096 is too large; invalid_auth, token_revoked, missing_scope',
    'see https://docs.example.com/guides/rate-limits/v2#per-channel',
    'https://api.github.com/repos/acme/bot/issues/12 and https://social.test/@anna',
    'DiscordAPIError[50013]: Missing Permissions',
    'MessageRejected: Email address is not verified. The following identities failed: anna@example.com',
    'Task sk-1 of risk-based desk-top asks for a basic understanding',
    '이 채팅방은 없어졌습니다. 한도를 넘었습니다.',
  ]) {
    t.equal(redact(text), text)
  }
})

t.test('redaction takes linear time for any text', async t => {
  // A hundred times as long takes about a hundred times as long: squared, it would be hours.
  for (const seed of [
    'a',
    'ey',
    'sk-',
    'syt_-',
    'password: ',
    "token is 'a",
    ' -u a:',
    'a:b@c',
    'A.',
    'x-',
    'https://a@',
    'token="',
    'token: ',
    'bearer ',
    'authorization: ',
    '/bot1:',
    '-----BEGIN PRIVATE KEY-----',
    'Headers.append: "',
    'value "',
    'http://',
    '0f',
    '1//0',
    'xoxb-',
    'eyeyeyey.',
    '[\\"',
    String.raw`https:\/\/`,
    'key:/',
    '?a=',
    'AbC1',
    'a-b_',
  ]) {
    t.type(redact(seed.repeat(Math.ceil(1_000_000 / seed.length))), 'string')
  }
})

t.test('a text is redacted before it is cut, and not cut inside of a credential', async t => {
  t.notMatch(publicText(`${'x'.repeat(480)} https://u:${'p'.repeat(100)}@host/`, 500), /ppp/)
  const long = publicText(
    `-----BEGIN PRIVATE KEY-----${'k'.repeat(9_960)}-----END PRIVATE KEY----- ghp_${letters(36)}`,
    500,
  )
  t.equal(long, '[redacted]')
})

t.test('redaction leaves a redacted text unchanged', async t => {
  for (const list of Object.values(credentials)) {
    for (const credential of list) {
      for (const text of [
        credential,
        `token=${credential}`,
        `"key": "${credential}", x`,
        `at /${credential}.`,
      ]) {
        const once = redact(text)
        t.equal(redact(once), once)
      }
    }
  }
  for (const text of [
    `Refused: https://api.telegram.org/bot${TOKEN}`,
    'gone: https://chat.example/hooks/qwertyuiopasdfghjklzxcvbnm',
    '(see https://chat.example/hooks/qwertyuiopasdfghjklzxcvbnm).',
    'https://x.test/send?chat=1&token=s3cret',
    'postgres://user:pa%20ss@db:5432/app',
    'https://x.test/cb#access_token=abc',
    'Authorization: Bearer abc.def',
    '{"authorization":"Bot abc","a":1}',
    "headers: [ 'X-Api-Key', 'abc' ]",
    'Cookie: a=b; c=d',
    'Headers.append: "Bearer abc\ndef" is an invalid header value.',
    '{"password":"correct horse"}',
    'TELEGRAM_BOT_TOKEN=abc; next',
    'Incorrect API key provided: 1234abcd5678',
    'invalid token "abc123def456"',
    "password is 'hunter2'",
    'a tunnel through bob:hunter2@proxy.test:8080',
    '535 after AUTH PLAIN AGJvYgBodW50ZXIy',
    'Command failed: curl -u bob:hunter2 https://x.test',
  ]) {
    const once = redact(text)
    t.equal(redact(once), once)
  }
})
