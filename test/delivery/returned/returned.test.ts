import { PassThrough } from 'node:stream'
import t from 'tap'
import { classifyError } from '../../../lib/delivery/classify/classify-error.js'
import { findingIn } from '../../../lib/delivery/returned/finding.js'
import { ResponseError } from '../../../lib/delivery/returned/response-error.js'
import type { Verdict } from '../../../lib/delivery/types.js'
import { Harness, open } from '../fixtures/harness.js'
import { revoked } from '../fixtures/revoked.js'
import { inShort } from '../fixtures/verdicts.js'

/** Answers of platforms that came as a success, as their documentation shows them. */
const refusals: Readonly<Record<string, unknown>> = {
  Slack: { ok: false, error: 'invalid_auth' },
  Telegram: { ok: false, error_code: 400, description: 'Bad Request: chat not found' },
  'ok: false, and nothing else': { ok: false },
  Cloudflare: {
    success: false,
    errors: [{ code: 10000, message: 'Authentication error' }],
    messages: [],
    result: null,
  },
  'success: false': { success: false, message: 'no such room' },
  Resend: {
    data: null,
    error: { statusCode: 429, name: 'rate_limit_exceeded', message: 'Too many requests' },
  },
  'an error in words beside data: null': { data: null, error: 'no such room' },
  Supabase: {
    error: { code: '23505', message: 'duplicate key' },
    data: null,
    count: null,
    status: 409,
    statusText: 'Conflict',
  },
  WeCom: { errcode: 130101, errmsg: 'api freq out of limit' },
  DingTalk: { errcode: 310000, errmsg: 'keywords not in content' },
  'DingTalk, newer': { code: 'Forbidden.AccessDenied', message: 'no permission', requestid: 'A1' },
  Matrix: { errcode: 'M_FORBIDDEN', error: 'You are not in the room' },
  Feishu: { code: 11232, msg: 'frequency limited psm[lark.oapi.app_platform_runtime]' },
  'Feishu, with data': { code: 19021, data: {}, msg: 'sign match fail' },
  'a code alone': { code: 11232 },
  Kakao: { code: -401, msg: 'this access token does not exist' },
  'JSON-RPC': { jsonrpc: '2.0', id: 1, error: { code: -32000, message: 'Server error' } },
  GraphQL: { errors: [{ message: 'Not allowed', path: ['createMessage'] }], data: { createMessage: null } },
  'GraphQL without data': { errors: [{ message: 'Syntax error' }] },
  VK: { error: { error_code: 914, error_msg: 'Message is too long', request_params: [] } },
  Meta: {
    error: { message: 'Unsupported post request', type: 'GraphMethodException', code: 100, fbtrace_id: 'A' },
  },
  Google: { error: { code: 403, message: 'denied', status: 'PERMISSION_DENIED' } },
  'OAuth 2.0': { error: 'invalid_grant', error_description: 'expired' },
  XRPC: { error: 'InvalidToken', message: 'Bad token' },
  'Tencent Cloud: IM': { ActionStatus: 'FAIL', ErrorInfo: 'x', ErrorCode: 70001 },
  Xiaomi: { result: 'error', reason: 'x', code: 21301, description: 'x' },
  Aligo: { result_code: '-101', message: '인증오류입니다.' },
  '2Factor': { Status: 'Error', Details: 'x' },
  Sendbird: { error: true, code: 400201, message: 'x' },
  Zulip: { result: 'error', msg: 'Stream does not exist', code: 'STREAM_DOES_NOT_EXIST' },
  Zalo: { error: -201, message: 'params is invalid' },
  Viber: { status: 6, status_message: 'receiverNotRegistered', message_token: 5 },
  OneBot: { status: 'failed', retcode: 100, data: null, msg: 'SEND_MSG_API_ERROR', wording: 'x', echo: '1' },
  'NHN Cloud': { header: { isSuccessful: false, resultCode: -1000, resultMessage: 'invalid' }, body: null },
  'Tencent Cloud': { Response: { Error: { Code: 'AuthFailure', Message: 'x' }, RequestId: 'r' } },
  'Alibaba Cloud': { Code: 'isv.BUSINESS_LIMIT_CONTROL', Message: 'limit', RequestId: 'r' },
  Pushover: { status: 0, errors: ['user identifier is not valid'], request: 'r' },
  OneSignal: { id: '', errors: ['All included players are not subscribed'] },
  Discord: { message: 'Unknown Channel', code: 10003 },
  Mattermost: {
    id: 'api.context.session_expired.app_error',
    message: 'Invalid session',
    status_code: 401,
    request_id: 'r',
  },
  Nest: { statusCode: 404, message: 'Cannot POST /x', error: 'Not Found' },
  'problem details': { type: 'about:blank', title: 'Forbidden', status: 403, detail: 'not a member' },
  JSend: { status: 'error', message: 'could not send', data: null },
  'one ticket of Expo': {
    status: 'error',
    message: 'not a registered recipient',
    details: { error: 'DeviceNotRegistered' },
  },
  'tickets of Expo, all failed': [
    { status: 'error', message: 'x', details: { error: 'DeviceNotRegistered' } },
  ],
  'the answer of Expo': { data: [{ status: 'error', message: 'x' }] },
  'firebase-admin: sendEach, all failed': {
    responses: [
      { success: false, error: Object.assign(new Error('x'), { code: 'messaging/invalid-argument' }) },
    ],
    successCount: 0,
    failureCount: 1,
  },
  'FCM, legacy': { multicast_id: 1, success: 0, failure: 1, results: [{ error: 'NotRegistered' }] },
  'SQS: SendMessageBatch': {
    $metadata: {},
    Failed: [{ Id: '1', SenderFault: true, Code: 'InvalidMessageContents' }],
  },
  EventBridge: { FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure', ErrorMessage: 'x' }] },
  'SES: SendBulkEmail': { BulkEmailEntryResults: [{ Status: 'MESSAGE_REJECTED', Error: 'x' }] },
  Mailjet: { Messages: [{ Status: 'error', Errors: [{ ErrorMessage: 'x' }] }] },
  Vonage: { 'message-count': '1', messages: [{ status: '4', 'error-text': 'Bad Credentials' }] },
  Postmark: [{ ErrorCode: 406, Message: 'inactive recipient' }],
  Mandrill: [{ email: 'a@example.com', status: 'rejected', reject_reason: 'hard-bounce', _id: '1' }],
  'node-apn': { sent: [], failed: [{ device: 'd', status: '410', response: { reason: 'Unregistered' } }] },
  'all promises rejected': [{ status: 'rejected', reason: new Error('x') }],
  'a list of answers': [
    { ok: false, error: 'a' },
    { ok: false, error: 'b' },
  ],
  'a batch of JSON-RPC': [{ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'x' } }],
  'a returned error': new Error('x'),
  'a returned DOMException': new DOMException('x', 'AbortError'),
  'errors in a list': [new Error('x')],
  'axios: a refusal with status 200': {
    status: 200,
    statusText: 'OK',
    headers: {},
    config: {},
    data: { ok: false, error: 'not_in_channel' },
  },
  'got: a refusal with status 200': Object.assign(Object.create({ pipe() {} }), {
    statusCode: 200,
    headers: {},
    body: '{"ok":false,"error":"x"}',
  }),
  'axios with validateStatus off': { status: 403, headers: {}, data: { message: 'no' } },
}

for (const [of, answer] of Object.entries(refusals)) {
  t.test(`a returned refusal is no delivery: ${of}`, async t => {
    t.match(findingIn(answer), { kind: 'refused' })
    const frozen = Array.isArray(answer) ? Object.freeze([...answer]) : answer
    t.match(findingIn(frozen), { kind: 'refused' })
  })
}

class Result {
  ok = false
  error = 'x'
}

const deliveries: Readonly<Record<string, unknown>> = {
  nothing: undefined,
  null: null,
  'a text': 'error',
  'a number': 0,
  false: false,
  'an empty object': {},
  'an empty list': [],
  'a list of texts': ['error'],
  'a list of lists': [[]],
  'a list of nothing': [null, undefined],
  Slack: { ok: true, channel: 'C', ts: '1', message: { text: 'error' }, error: undefined },
  'Slack with a warning': {
    ok: true,
    warning: 'missing_charset',
    response_metadata: { warnings: ['missing_charset'] },
  },
  Telegram: { ok: true, result: { message_id: 1 } },
  'a message of Telegram': {
    message_id: 1,
    chat: { id: 1, type: 'private', title: 'x' },
    date: 1,
    text: 'error',
  },
  Resend: { data: { id: '1' }, error: null, headers: { 'content-type': 'application/json' } },
  Supabase: { data: null, error: null, count: null, status: 201, statusText: 'Created' },
  WeCom: { errcode: 0, errmsg: 'ok' },
  Feishu: { code: 0, data: {}, msg: 'success', StatusCode: 0, StatusMessage: 'success' },
  Bark: { code: 200, message: 'success', timestamp: 1 },
  WxPusher: { code: 1000, msg: '处理成功', data: [], success: true },
  'Alibaba Cloud': { Code: 'OK', Message: 'OK', RequestId: 'r', BizId: 'b' },
  'JSON-RPC': { jsonrpc: '2.0', id: 1, result: {} },
  'JSON-RPC with an empty error': { jsonrpc: '2.0', id: 1, result: {}, error: null },
  GraphQL: { data: { createMessage: { id: '1' } } },
  'GraphQL with no errors': { data: { createMessage: null }, errors: [] },
  Viber: { status: 0, status_message: 'ok', message_token: 5 },
  Pushover: { status: 1, request: 'r' },
  OneSignal: { id: '1', external_id: null, errors: undefined },
  Twilio: { sid: 'SM1', status: 'queued', error_code: null, error_message: null, code: undefined },
  WhatsApp: { messaging_product: 'whatsapp', contacts: [], messages: [{ id: 'wamid.1' }] },
  'success that is not said': { success: undefined, id: 1 },
  'ok that is not said': { ok: undefined },
  'an error that is none': { error: '', id: 1 },
  'error: false': { error: false },
  'error: {}': { error: {}, data: null },
  'an error beside a result': { id: 1, error: 'the preview could not be made', url: 'x' },
  'a code beside a result': { id: 1, code: 7, message: 'hi' },
  'a status of its own': { id: 1, status: 'failed', message: 'hi' },
  'tickets of Expo': [{ status: 'ok', id: '1' }],
  'firebase-admin': { responses: [{ success: true, messageId: '1' }], successCount: 1, failureCount: 0 },
  SQS: { Successful: [{ Id: '1' }], Failed: [] },
  nodemailer: { accepted: ['a@example.com'], rejected: [], response: '250 OK', messageId: '<1>' },
  'promises that all kept': [{ status: 'fulfilled', value: 1 }],
  'a list of objects': [{ id: 1, error: 'x' }],
  'an instance of a class': new Result(),
  'an instance that looks like a list': Object.assign(new Result(), {
    responses: [{ success: false }],
    failureCount: 1,
  }),
  'a Map': new Map([['ok', false]]),
  'axios with success': { status: 200, headers: {}, data: { ok: true } },
  'axios with a text': { status: 200, headers: {}, data: 'ok' },
  'a code of success in words': { code: 1000, message: 'Your message was accepted.' },
  'a code of success, queued': { code: 100, message: 'Queued. Thank you.' },
  'a code of success in Chinese': { code: 1, msg: '操作成功' },
  'Expo, one message': { data: { status: 'ok', id: 'x' } },
  'OneBot, taken for later': { status: 'async', retcode: 1, data: null },
  'a code beside a status of success': { status: 'success', code: 1, message: 'x', data: {} },
  'a code beside no error': { error: false, code: 100, message: 'x' },
  'SMS.RU': { status: 'OK', code: 100, sms: {} },
  'a pair without an error': [null, { id: 1 }],
  'openapi-fetch': { data: { id: 1 }, error: undefined, response: new Response('{}') },
  'Microsoft Graph: $batch': { responses: [{ id: '1', status: 201, headers: {}, body: {} }] },
  'JSON-RPC 1.0': { result: {}, error: null, id: 1 },
  'Infobip: SMS': { messages: [{ status: { groupName: 'PENDING' }, messageId: '1' }] },
  'a status that is no answer': { status: 500 },
}

for (const [of, result] of Object.entries(deliveries)) {
  t.test(`a result that is no refusal is a delivery: ${of}`, async t => {
    t.equal(findingIn(result), undefined)
    const h = new Harness()
    h.answer('m1', () => result)
    h.add('a')
    await h.pass()
    t.equal(h.of('delivered').length, 1)
    t.equal(h.of('delivered')[0]?.result, result)
    t.equal(h.of('error').length, 0)
  })
}

t.test('a result that cannot be read counts as a delivery', async t => {
  t.equal(findingIn(revoked()), undefined)
})

const timeout = Object.assign(new Error('timeout of 1000ms exceeded'), { code: 'ECONNABORTED' })
const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED', syscall: 'connect' })
const response429 = () => new Response('{}', { status: 429, headers: { 'retry-after': '7' } })

/** What they mean, in short. */
const judgedRefusals: Readonly<Record<string, readonly [result: unknown, verdict: string]>> = {
  'ok: false, a lost answer that was caught': [{ ok: false, error: timeout }, 'ambiguous'],
  'success: false, no connection': [{ success: false, error: refused }, 'not sent'],
  'data: null, a lost answer': [{ data: null, error: timeout }, 'ambiguous'],
  'nothing but an error': [{ data: undefined, error: refused, response: undefined }, 'not sent'],
  apisauce: [{ ok: false, problem: 'TIMEOUT_ERROR', originalError: timeout, data: null }, 'ambiguous'],
  'a lost answer in words': [{ ok: false, error: 'TypeError: fetch failed' }, 'ambiguous'],
  'no connection in words, Supabase': [
    {
      data: null,
      error: {
        message: 'FetchError: request to https://x.example failed, reason: connect ECONNREFUSED 1.1.1.1:1',
      },
      status: 0,
    },
    'not sent',
  ],
  'other words': [{ ok: false, error: 'The room timed out of the list.' }, 'retry'],
  'a pair of an error and nothing': [[timeout, undefined], 'ambiguous'],
  'openapi-fetch, Hey API': [
    { data: undefined, error: { message: 'slow' }, response: response429() },
    'rate-limited 7000',
  ],
  'several responses': [[response429(), response429()], 'rate-limited 7000'],
  'Expo, one message': [
    { data: { status: 'error', message: 'x', details: { error: 'DeviceNotRegistered' } } },
    'permanent',
  ],
  'Microsoft Graph: $batch': [
    { responses: [{ id: '1', status: 429, headers: { 'Retry-After': '10' }, body: {} }] },
    'rate-limited 10000',
  ],
  'Infobip: SMS': [{ messages: [{ status: { groupName: 'REJECTED', description: 'x' } }] }, 'retry'],
  'JSON-RPC 1.0': [{ result: null, error: { code: -1, message: 'x' }, id: 1 }, 'retry'],
  MSG91: [{ type: 'error', message: 'template id missing' }, 'retry'],
  'Zalo, its token': [{ error: -216, message: 'Access token is invalid' }, 'halt'],
  'Feishu, webhooks of version 1': [{ StatusCode: 19001, StatusMessage: 'param invalid' }, 'halt'],
}

for (const [of, [result, verdict]] of Object.entries(judgedRefusals)) {
  t.test(`a returned refusal has the verdict of its content: ${of}`, async t => {
    const found = findingIn(result)
    t.equal(found?.kind, 'refused')
    if (found?.kind === 'refused') t.equal(inShort(classifyError(found.error)), verdict)
  })
}

t.test('a returned refusal has the same verdict as a thrown one', async t => {
  const h = new Harness()
  h.answer('m1', () => refusals.Slack)
  h.answer('m2', () => ({ ok: false, error_code: 429, parameters: { retry_after: 7 } }))
  h.answer('m3', () => ({ data: null, error: { statusCode: 429, name: 'x', message: 'Too many requests' } }))
  h.answer('m4', () => new Error('who knows'))
  for (const channel of ['a', 'b', 'c', 'd']) h.add(channel)
  await h.pass()
  t.match(h.of('halted'), [{ target: 'a', reason: 'invalid_auth' }])
  t.match(h.of('rateLimited'), [{ id: 'm2', delayMs: 7_000 }, { id: 'm3' }])
  t.match(h.of('retry'), [{ id: 'm4', mayHaveBeenSent: true, recorded: { message: 'who knows' } }])
})

t.test(
  'the error of a refused response names its status once, and the content of a body without words',
  t => {
    const json = { 'content-type': 'application/json' }
    const message = (statusText: string, body: unknown) =>
      new ResponseError(new Response(null, { status: 400, statusText, headers: json }), body).message
    t.equal(
      message('Bad Request', { description: 'Bad Request: chat not found' }),
      'HTTP 400 Bad Request: chat not found',
    )
    t.equal(message('Bad Request', { description: 'chat not found' }), 'HTTP 400 Bad Request: chat not found')
    t.equal(message('', { description: 'chat not found' }), 'HTTP 400: chat not found')
    t.equal(
      message('Bad Request', { ok: false, errcode: 40013, id: 'x' }),
      'HTTP 400 Bad Request: ok: false, errcode: 40013',
    )
    t.equal(message('Bad Request', {}), 'HTTP 400 Bad Request')
    t.equal(new ResponseError({ ok: false }, { ok: false }).message, 'Refused: ok: false')
    t.equal(
      new ResponseError({}, { Id: 'a', Code: 'InternalError', SenderFault: false }).message,
      'Refused: Code: InternalError, SenderFault: false',
    )
    t.end()
  },
)

t.test("the recorded error of a halt has the platform's words beside its meaning", async t => {
  const h = new Harness()
  h.answer('m1', () => ({ ok: false, error_code: 401, description: 'Unauthorized' }))
  h.answer('m2', () => Object.assign(new Error('The session has ended.'), { status: 401 }))
  h.answer('m3', () => Object.assign(new Error('Request failed with status code 401'), { status: 401 }))
  for (const channel of ['a', 'b', 'c']) h.add(channel)
  await h.pass()
  t.same(
    h.of('halted').map(({ reason }) => reason),
    ['HTTP 401: Unauthorized', 'HTTP 401: The session has ended.', 'Request failed with status code 401'],
  )
})

t.test('a result list with some failures is a delivery, and an error reports the failed ones', async t => {
  const partial: Record<string, unknown> = {
    expo: [
      { status: 'ok', id: '1' },
      { status: 'error', message: 'lost' },
    ],
    firebase: {
      responses: [
        { success: true, messageId: '1' },
        { success: false, error: new Error('lost') },
      ],
      successCount: 1,
      failureCount: 1,
    },
    sqs: { Successful: [{ Id: '1' }], Failed: [{ Id: '2', Code: 'X', Message: 'lost' }] },
    nodemailer: { accepted: ['a'], rejected: ['b'], rejectedErrors: [new Error('lost')] },
    promises: [
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: new Error('lost') },
    ],
    graphql: { data: { a: { id: 1 }, b: null }, errors: [{ message: 'lost' }] },
  }
  for (const [of, result] of Object.entries(partial)) {
    const h = new Harness()
    h.answer('m1', () => result)
    h.add('a')
    await h.pass()
    t.match(h.of('delivered'), [{ id: 'm1', result }], of)
    t.match(h.of('error'), [{ error: { message: /^1 of 2 .* m1 failed: .*lost/ } }], of)
  }
})

t.test('the most hopeful failure decides about a result list that failed as a whole', async t => {
  const h = new Harness()
  h.answer('m1', () => [
    { status: 'rejected', reason: Object.assign(new Error('gone'), { status: 410 }) },
    { status: 'rejected', reason: Object.assign(new Error('slow'), { status: 429 }) },
  ])
  h.add('a')
  await h.pass()
  t.equal(h.of('rateLimited').length, 1)
})

t.test(
  'classifyResult is asked first, and may refuse a result, accept it or leave it to the default',
  async t => {
    const says: Record<string, Verdict | undefined> = {
      refuse: { kind: 'permanent', reason: 'mine' },
      wait: { kind: 'rate-limited', afterMs: 5_000 },
      through: { kind: 'delivered' },
      pass: undefined,
    }
    const asked: unknown[] = []
    const h = new Harness({
      classifyResult: (result, { id }) => {
        asked.push(id)
        return says[(result as { say: string }).say]
      },
    })
    h.answer('m1', () => ({ say: 'refuse' }))
    h.answer('m2', () => ({ say: 'wait' }), 'ok')
    h.answer('m3', () => ({ say: 'through', ok: false }))
    h.answer('m4', () => ({ say: 'pass', ok: false, error: 'channel_not_found' }))
    h.answer('m5', () => ({ say: 'pass' }))
    for (const channel of ['a', 'b', 'c', 'd', 'e']) h.add(channel)
    await h.pass()
    t.same(asked, ['m1', 'm2', 'm3', 'm4', 'm5'])
    t.match(
      h.of('dead').map(e => [e.id, e.reason]),
      [
        ['m1', 'permanent'],
        ['m4', 'permanent'],
      ],
    )
    t.match(h.of('dead')[0], { recorded: { message: /^mine/ } })
    t.match(h.of('rateLimited'), [{ id: 'm2', delayMs: 5_000 }])
    t.match(h.of('delivered'), [{ id: 'm3', result: { say: 'through' } }, { id: 'm5' }])
  },
)

for (const [what, classifyResult] of [
  [
    'throws',
    () => {
      throw new Error('oops')
    },
  ],
  ['answers no verdict', () => ({ kind: 'perhaps' }) as never],
  ['answers a promise', () => Promise.reject(new Error('oops')) as never],
] as const) {
  t.test(`a classifyResult that ${what} is reported and leaves the default to decide`, async t => {
    const h = new Harness({ classifyResult })
    h.answer('m1', () => ({ ok: false, error: 'channel_not_found' }))
    h.answer('m2', () => ({ ok: true }))
    h.add('a')
    h.add('b')
    await h.pass()
    t.match(h.of('error'), [{ error: { message: /classifyResult/ } }, {}])
    t.match(h.of('dead'), [{ id: 'm1' }])
    t.match(h.of('delivered'), [{ id: 'm2' }])
  })
}

t.test('classify is asked about a refusal that was returned, with its answer', async t => {
  const seen: unknown[] = []
  const h = new Harness({
    classify: error => {
      seen.push((error as { body?: unknown }).body)
      return { kind: 'permanent', reason: 'mine' }
    },
  })
  h.answer('m1', () => ({ errcode: 7, errmsg: 'x' }))
  h.add('a')
  await h.pass()
  t.same(seen, [{ errcode: 7, errmsg: 'x' }])
  t.equal(h.of('dead').length, 1)
})

t.test('a refusal returned after the timeout is no delivery', async t => {
  const h = new Harness({ sendTimeoutMs: 5_000, abortGraceMs: 0 })
  const gate = open()
  h.answer('m1', () => gate.answer().then(() => ({ ok: false, error: 'x' })), 'ok')
  h.add('a')
  await h.pass(5_500)
  gate.succeed()
  await h.pass()
  t.equal(h.of('delivered').length, 0)
  await h.pass(1_000)
  t.match(h.of('delivered'), [{ attempts: 2 }])
})

const json = (body: unknown, init: ResponseInit = {}) => new Response(JSON.stringify(body), init)

t.test('a Response whose JSON refuses is no delivery, whatever its status and its type', async t => {
  for (const headers of [
    {},
    { 'content-type': 'application/json' },
    { 'content-type': 'application/problem+json' },
  ]) {
    const h = new Harness()
    h.answer('m1', () => json({ ok: false, error: 'channel_not_found' }, { headers }))
    h.add('a')
    await h.pass()
    t.match(h.of('dead'), [{ id: 'm1', reason: 'permanent', recorded: { message: /channel_not_found/ } }])
  }
})

t.test('a Response that delivery has read can still be read by listeners', async t => {
  const h = new Harness()
  h.answer('m1', () => json({ ok: true, ts: '1' }))
  h.answer('m2', () => json({ ok: false, error: 'not_in_channel' }))
  h.answer('m3', () => json({ message: 'no' }, { status: 403 }))
  h.add('a')
  h.add('b')
  await h.pass()
  h.add('c')
  await h.pass()
  t.same(await (h.of('delivered')[0]!.result as Response).json(), { ok: true, ts: '1' })
  const { error } = h.of('dead')[0] as unknown as { error: { response: Response; body: unknown } }
  t.same(error.body, { ok: false, error: 'not_in_channel' })
  t.same(await error.response.json(), error.body)
  const refused = h.of('dead')[1] as unknown as { error: { response: Response } }
  t.same(await refused.error.response.json(), { message: 'no' })
})

t.test('a Response whose body was used, is no JSON, is too long or breaks off is a delivery', async t => {
  const used = json({ ok: false })
  await used.text()
  const locked = json({ ok: false })
  locked.body?.getReader()
  const broken = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"ok":false,'))
      controller.error(new Error('reset'))
    },
  })
  const long = `{"ok":false,"text":"${'x'.repeat(20_000)}"}`
  for (const response of [
    used,
    locked,
    new Response(broken),
    new Response('ok'),
    new Response('{"ok":false'),
    new Response('<html>{"ok":false}</html>', { headers: { 'content-type': 'text/html' } }),
    new Response('{"ok":false}', { headers: { 'content-type': 'text/event-stream' } }),
    new Response(long),
    new Response(long, { headers: { 'content-length': String(long.length) } }),
    new Response(null, { status: 204 }),
  ]) {
    const h = new Harness()
    h.answer('m1', () => response)
    h.add('a')
    await h.pass()
    t.match(h.of('delivered'), [{ id: 'm1', result: response }])
    t.equal(h.of('error').length, 0)
  }
})

t.test('a Response whose body does not end is waited for until the attempt times out', async t => {
  const h = new Harness({ sendTimeoutMs: 5_000 })
  let cancelled = false
  const body = new ReadableStream({
    start: controller => controller.enqueue(new TextEncoder().encode('{"ok":')),
    cancel: () => {
      cancelled = true
    },
  })
  const response = new Response(body)
  const gate = open()
  h.answer('m1', () => gate.answer().then(() => response))
  h.add('a')
  await h.pass(2_000)
  gate.succeed()
  await h.pass(2_999)
  t.equal(h.of('delivered').length, 0)
  await h.pass(1)
  t.match(h.of('delivered'), [{ id: 'm1', result: response }])
  t.equal(h.sent[0]?.delivery.signal.aborted, false)
  // The other half is the user's, who may still read it; with it goes the source.
  t.equal(cancelled, false)
  await response.body?.cancel()
  t.equal(cancelled, true)
})

t.test('a cloned body of a Node stream that breaks off does not end the process', async t => {
  const h = new Harness()
  const halves = [new PassThrough(), new PassThrough()]
  // As node-fetch 2 does it: no one listens to either half.
  const response = {
    status: 200,
    ok: true,
    headers: new Headers({ 'content-type': 'application/json' }),
    body: new PassThrough(),
    clone() {
      this.body = halves[0]!
      return { ...this, body: halves[1]! }
    },
  }
  h.answer('m1', () => response)
  h.add('a')
  await h.pass()
  for (const half of halves) half.destroy(new Error('reset'))
  await h.pass()
  t.match(h.of('delivered'), [{ id: 'm1' }])
})

t.test("the unread rest of a refusal's long body is cancelled", async t => {
  const h = new Harness()
  let cancelled = false
  const body = new ReadableStream({
    pull: controller => controller.enqueue(new Uint8Array(4_096).fill(120)),
    cancel: () => {
      cancelled = true
    },
  })
  h.answer('m1', () => new Response(body, { status: 400 }))
  h.add('a')
  await h.pass()
  t.equal(h.of('dead').length, 1)
  t.equal(cancelled, true)
})
