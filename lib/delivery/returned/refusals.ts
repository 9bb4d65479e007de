import { isError, isText } from '../errors/property.js'
import {
  byName,
  isFailureCode,
  isNothing,
  isPlain,
  isRefusedResponse,
  type PlatformAnswer,
} from './answer.js'

/** One way in which an answer says that it refuses, whatever its status. */
interface Refusal {
  readonly of: string
  /** A property of such an answer: answers without it are not checked. */
  readonly by: string
  readonly says: (answer: PlatformAnswer) => boolean
}

const FAILED = /^(?:error|fail(?:ed|ure)?)$/i
/** “ok”, “操作成功”, “Your message was accepted.”: a code beside such a text is not a failure. */
const SUCCESS =
  /^(?:ok|success|succeed|[^不未没]{0,4}成功|발송성공|성공|(?:(?:the |your )?(?:messages?|request|sms|e?-?mail|notification|event) )?(?:(?:is|was|were|has been|have been) )?(?:successfully )?(?:accepted|sent|queued|delivered|submitted|received|processed|scheduled|created|done)(?=$|[.!,;]| successfully| for | to ))/i

/** Properties that an answer about nothing but an error may have. */
const TELLING: ReadonlySet<string> = new Set(
  `error errors error_code errorCode error_codes error_msg error_message errorMessage
  error_description errorDescription error_uri error_type error_details error_subcode err
  code status statusCode status_code http http_status httpStatus httpCode type name
  message msg title detail details reason description status_text statusText wording
  detailed_error instance link more_info moreInfo documentation_url help hint doc_url
  path method timestamp time date request_id requestId requestid RequestId req_id
  trace traceId trace_id trackingId correlationId correlation_id log_id logId echo
  headers retry_after retryAfter global ok success retryable is_transient parameters`.split(/\s+/),
)

const onlyAnError = (of: string, by: string, says: Refusal['says']): Refusal => ({
  of,
  by,
  says: answer => says(answer) && tellsOnlyOfErrors(answer),
})
const hasFailureStatus = (of: string, by: string): Refusal => ({
  of,
  by,
  says: answer => isFailureStatus(answer[by]) && isText(answer.message),
})

/** Any one suffices. */
const REFUSALS: readonly Refusal[] = [
  { of: 'Slack, Telegram', by: 'ok', says: ({ ok }) => ok === false },
  { of: 'Cloudflare, Rocket.Chat, Textbelt', by: 'success', says: ({ success }) => success === false },
  { of: 'WeCom, DingTalk, WeChat, Matrix', by: 'errcode', says: ({ errcode }) => isFailureCode(errcode) },
  {
    of: 'OneBot',
    by: 'retcode',
    says: ({ retcode, status }) => isFailureCode(retcode) && status !== 'ok' && status !== 'async',
  },
  { of: 'Tencent Cloud: IM', by: 'ActionStatus', says: ({ ActionStatus }) => ActionStatus === 'FAIL' },
  {
    of: 'Aligo',
    by: 'result_code',
    says: ({ result_code, message }) => Number(result_code) < 0 && isText(message),
  },
  { of: '2Factor', by: 'Status', says: ({ Status, Details }) => Status === 'Error' && isText(Details) },
  { of: 'JSON-RPC 2.0', by: 'jsonrpc', says: ({ error }) => isPlain(error) },
  { of: 'JSON-RPC 1.0', by: 'result', says: ({ result, error }) => result === null && isPlain(error) },
  {
    of: 'a program that caught it',
    by: 'error',
    says: ({ data, error }) => isError(error) && isNothing(data),
  },
  { of: 'openapi-fetch, Hey API', by: 'response', says: ({ response }) => isRefusedResponse(response) },
  { of: 'Resend, Supabase', by: 'data', says: ({ data, error }) => data === null && isErrorValue(error) },
  { of: 'GraphQL, JSON:API', by: 'errors', says: ({ data, errors }) => hasErrors(errors) && isNull(data) },
  {
    of: 'Feishu, Kakao',
    by: 'code',
    says: answer => isFailureCode(answer.code) && isText(answer.msg) && !saysSuccess(answer),
  },
  {
    of: 'Feishu, webhooks of version 1',
    by: 'StatusCode',
    says: ({ StatusCode, StatusMessage }) => isFailureNumber(StatusCode) && isText(StatusMessage),
  },
  { of: 'Expo, of one message', by: 'data', says: answer => isExpoError(answer) },
  {
    of: 'Zulip, Xiaomi',
    by: 'result',
    says: ({ result, msg, reason }) => result === 'error' && isText(msg ?? reason),
  },
  { of: 'Zalo', by: 'error', says: ({ error, message }) => isFailureNumber(error) && isText(message) },
  { of: 'Viber', by: 'status_message', says: ({ status }) => isFailureNumber(status) },
  { of: 'NHN Cloud', by: 'header', says: ({ header }) => isPlain(header) && header.isSuccessful === false },
  {
    of: 'Tencent Cloud',
    by: 'Response',
    says: ({ Response }) => isPlain(Response) && isPlain(Response.Error),
  },
  {
    of: 'Alibaba Cloud',
    by: 'RequestId',
    says: ({ Code, Message }) => isFailureCode(Code) && isText(Message),
  },
  { of: 'Infobip', by: 'requestError', says: ({ requestError }) => isPlain(requestError) },
  { of: 'Pushover', by: 'errors', says: ({ status, errors }) => status === 0 && hasErrors(errors) },
  { of: 'OneSignal', by: 'errors', says: ({ id, errors }) => id === '' && hasErrors(errors) },
  hasFailureStatus('Nest, Fastify, Boom', 'statusCode'),
  hasFailureStatus('Mattermost', 'status_code'),
  {
    of: 'problem details (RFC 9457)',
    by: 'status',
    says: ({ status, title, detail }) => isFailureStatus(status) && isText(title ?? detail),
  },
  onlyAnError('VK, Meta, Google, OpenAI, Microsoft; OAuth 2.0, XRPC, Mastodon', 'error', ({ error }) =>
    isErrorValue(error),
  ),
  onlyAnError('Sendbird', 'error', ({ error, message }) => error === true && isText(message)),
  onlyAnError('Chatwork, SendGrid, X', 'errors', ({ errors }) => hasErrors(errors)),
  onlyAnError('MSG91', 'type', ({ type, message }) => type === 'error' && isText(message)),
  onlyAnError('Expo, JSend, SMS.RU', 'status', ({ status }) => isText(status) && FAILED.test(status)),
  onlyAnError(
    'Discord, Zoom, Twilio',
    'code',
    answer =>
      isFailureCode(answer.code) &&
      (typeof answer.code === 'number' || isText(answer.message)) &&
      !saysSuccess(answer),
  ),
]

const BY_NAME = byName(REFUSALS)

/** Whether an answer that came as a success refuses the request. */
export function isRefusal(answer: PlatformAnswer): boolean {
  if (answer.ok === true || answer.success === true) return false
  return Object.keys(answer).some(name => BY_NAME.get(name)?.some(({ says }) => says(answer)))
}

/** GraphQL: data for some fields, errors for the others. */
export function isPartialAnswer({ data, errors }: PlatformAnswer): boolean {
  return isPlain(data) && hasErrors(errors) && !isNull(data)
}

function isExpoError(answer: PlatformAnswer): boolean {
  const { data } = answer
  return (
    Object.keys(answer).length === 1 &&
    isPlain(data) &&
    data.status === 'error' &&
    isText(data.message) &&
    tellsOnlyOfErrors({ ...data, expoPushToken: undefined })
  )
}

function tellsOnlyOfErrors(answer: PlatformAnswer): boolean {
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

/** Nothing, or an object with nothing in it: `{ "createMessage": null }`. */
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

function saysSuccess({ message, msg, status, description, error }: PlatformAnswer): boolean {
  return (
    error === false || [message, msg, status, description].some(text => isText(text) && SUCCESS.test(text))
  )
}
