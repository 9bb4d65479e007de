import { type Answer, isFailureCode, isNothing, isPlain, isText } from './answer.js'

/** How an answer says that it refuses, whatever the status beside it. */
interface Refusal {
  readonly of: string
  readonly says: (answer: Answer) => boolean
}

const FAILED = /^(?:error|fail(?:ed|ure)?)$/i
const SUCCESS = /^(?:ok|success|succeed|成功|请求成功|处理成功|발송성공|성공)/i

/** What may stand in an answer that tells of an error and of nothing else. */
const TELLING: ReadonlySet<string> = new Set([
  ...[
    'error',
    'errors',
    'error_code',
    'errorCode',
    'error_codes',
    'error_msg',
    'error_message',
    'errorMessage',
  ],
  ...[
    'error_description',
    'errorDescription',
    'error_uri',
    'error_type',
    'error_details',
    'error_subcode',
    'err',
  ],
  ...[
    'code',
    'status',
    'statusCode',
    'status_code',
    'http',
    'http_status',
    'httpStatus',
    'httpCode',
    'type',
    'name',
  ],
  ...[
    'message',
    'msg',
    'title',
    'detail',
    'details',
    'reason',
    'description',
    'status_text',
    'statusText',
    'wording',
  ],
  ...[
    'detailed_error',
    'instance',
    'link',
    'more_info',
    'moreInfo',
    'documentation_url',
    'help',
    'hint',
    'doc_url',
  ],
  ...[
    'path',
    'method',
    'timestamp',
    'time',
    'date',
    'request_id',
    'requestId',
    'requestid',
    'RequestId',
    'req_id',
  ],
  ...[
    'trace',
    'traceId',
    'trace_id',
    'trackingId',
    'correlationId',
    'correlation_id',
    'log_id',
    'logId',
    'echo',
  ],
  ...[
    'headers',
    'retry_after',
    'retryAfter',
    'global',
    'ok',
    'success',
    'retryable',
    'is_transient',
    'parameters',
  ],
])

/** Asked in any order: one suffices. `ok`, `success` and the like are asked for `true` first. */
const REFUSALS: readonly Refusal[] = [
  { of: 'Slack, Telegram, VK Teams', says: ({ ok }) => ok === false },
  { of: 'Cloudflare, Rocket.Chat, Imgur, Textbelt', says: ({ success }) => success === false },
  { of: 'WeCom, DingTalk, WeChat, Matrix', says: ({ errcode }) => isFailureCode(errcode) },
  { of: 'OneBot', says: ({ retcode, status }) => isFailureCode(retcode) && status !== 'ok' },
  { of: 'JSON-RPC 2.0', says: ({ jsonrpc, error }) => jsonrpc !== undefined && isPlain(error) },
  { of: 'Resend, Supabase', says: ({ data, error }) => data === null && isErrorValue(error) },
  { of: 'GraphQL, JSON:API', says: ({ data, errors }) => hasErrors(errors) && isNull(data) },
  {
    of: 'Feishu, Lark, Kakao',
    says: ({ code, msg }) => isFailureCode(code) && isText(msg) && !SUCCESS.test(msg),
  },
  { of: 'Zulip', says: ({ result, msg }) => result === 'error' && isText(msg) },
  { of: 'Zalo', says: ({ error, message }) => isFailureNumber(error) && isText(message) },
  { of: 'Viber', says: ({ status, status_message: text }) => isFailureNumber(status) && isText(text) },
  { of: 'NHN Cloud', says: ({ header }) => isPlain(header) && header.isSuccessful === false },
  { of: 'Tencent Cloud', says: ({ Response }) => isPlain(Response) && isPlain(Response.Error) },
  {
    of: 'Alibaba Cloud',
    says: ({ Code, Message, RequestId }) => isFailureCode(Code) && isText(Message) && isText(RequestId),
  },
  { of: 'Infobip', says: ({ requestError }) => isPlain(requestError) },
  {
    of: 'Pushover',
    says: ({ status, errors }) => status === 0 && Array.isArray(errors) && errors.length > 0,
  },
  { of: 'OneSignal', says: ({ id, errors }) => isNothing(id) && hasErrors(errors) && id !== undefined },
  {
    of: 'Mattermost, Nest, Fastify',
    says: answer => isFailureStatus(answer.status_code ?? answer.statusCode) && isText(answer.message),
  },
  {
    of: 'problem details (RFC 9457)',
    says: ({ status, title, detail }) => isFailureStatus(status) && isText(title ?? detail),
  },
  // What has these and nothing of a result beside them.
  {
    of: 'VK, Meta, Google, OpenAI, Microsoft; OAuth 2.0, XRPC, Mastodon',
    says: answer => isErrorValue(answer.error) && tellsOnlyOfErrors(answer),
  },
  { of: 'Chatwork, SendGrid, X', says: answer => hasErrors(answer.errors) && tellsOnlyOfErrors(answer) },
  {
    of: 'Expo, JSend, SMS.RU',
    says: answer => isText(answer.status) && FAILED.test(answer.status) && tellsOnlyOfErrors(answer),
  },
  {
    of: 'Discord, Zoom, Twilio',
    says: answer =>
      isFailureCode(answer.code) &&
      (typeof answer.code === 'number' || isText(answer.message)) &&
      !saysSuccess(answer) &&
      tellsOnlyOfErrors(answer),
  },
]

/** Whether an answer refuses what it answers, although it came as a success. */
export function isRefusal(answer: Answer): boolean {
  const { ok, success } = answer
  if (ok === true || success === true) return false
  return REFUSALS.some(({ says }) => says(answer))
}

/** GraphQL answers what it could, and says what it could not. */
export function isPartialAnswer({ data, errors }: Answer): boolean {
  return isPlain(data) && hasErrors(errors) && !isNull(data)
}

function tellsOnlyOfErrors(answer: Answer): boolean {
  return Object.keys(answer).every(key => TELLING.has(key) || isNothing(answer[key]))
}

function isErrorValue(error: unknown): boolean {
  return isText(error) || (typeof error === 'object' && !isNothing(error))
}

function hasErrors(errors: unknown): errors is readonly unknown[] {
  if (!Array.isArray(errors) || errors.length === 0) return false
  return errors.every(
    error =>
      isText(error) ||
      (isPlain(error) &&
        ['message', 'detail', 'title', 'description', 'code'].some(name => isText(error[name]))),
  )
}

/** Nothing, or an object that has nothing in it: `{ "createMessage": null }`. */
function isNull(data: unknown): boolean {
  return (
    data === undefined ||
    data === null ||
    (isPlain(data) && Object.values(data).every(value => value === null))
  )
}

function isFailureNumber(value: unknown): boolean {
  return typeof value === 'number' && isFailureCode(value)
}

function isFailureStatus(status: unknown): boolean {
  return typeof status === 'number' && status >= 400 && status < 600
}

function saysSuccess({ message, msg }: Answer): boolean {
  return [message, msg].some(text => isText(text) && SUCCESS.test(text))
}
