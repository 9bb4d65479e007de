import { type Answer, isError, isFailureCode, isPlain, isText } from './answer.js'

/** What a list says of each thing that was sent. */
export interface Outcomes {
  readonly failures: readonly unknown[]
  readonly count: number
}

/** One shape of list: its entries, and what each says of its failure; undefined: it did not fail. */
interface List {
  readonly of: string
  readonly entries: (value: Answer) => unknown
  readonly isEntry: (entry: Answer) => boolean
  readonly failure: (entry: Answer) => unknown
}

const bulk = (of: string, name: string, count: string): List => ({
  of,
  entries: answer => (typeof answer[count] === 'number' ? answer[name] : undefined),
  isEntry: () => true,
  failure: entry => (isText(entry.ErrorCode) ? entry : undefined),
})
const itself = (value: unknown) => (Array.isArray(value) ? value : undefined)
const expo: Pick<List, 'isEntry' | 'failure'> = {
  isEntry: ({ status, id, message }) =>
    (status === 'ok' && isText(id)) || (status === 'error' && isText(message)),
  failure: entry => (entry.status === 'error' ? entry : undefined),
}

const LISTS: readonly List[] = [
  { of: 'Expo: sendPushNotificationsAsync', entries: itself, ...expo },
  { of: 'Expo: the answer to push/send', entries: ({ data }) => itself(data), ...expo },
  {
    of: 'Promise.allSettled',
    entries: itself,
    isEntry: ({ status }) => status === 'fulfilled' || status === 'rejected',
    failure: ({ status, reason }) => (status === 'rejected' ? (reason ?? new Error('rejected')) : undefined),
  },
  {
    of: 'a list of answers: { ok }, { success }',
    entries: itself,
    isEntry: ({ ok, success }) => typeof (ok ?? success) === 'boolean',
    failure: entry => ((entry.ok ?? entry.success) === false ? (entry.error ?? entry) : undefined),
  },
  {
    of: 'JSON-RPC 2.0: a batch',
    entries: itself,
    isEntry: ({ jsonrpc }) => jsonrpc !== undefined,
    failure: entry => (isPlain(entry.error) ? entry : undefined),
  },
  {
    of: 'Postmark: batch',
    entries: itself,
    isEntry: ({ ErrorCode, Message }) => typeof ErrorCode === 'number' && isText(Message),
    failure: entry => (isFailureCode(entry.ErrorCode) ? entry : undefined),
  },
  {
    of: 'Mandrill: messages/send',
    entries: itself,
    isEntry: ({ email, status }) => isText(email) && isText(status),
    failure: entry => (entry.status === 'rejected' || entry.status === 'invalid' ? entry : undefined),
  },
  {
    of: 'firebase-admin: sendEach, sendEachForMulticast',
    entries: ({ responses, failureCount }) => (typeof failureCount === 'number' ? responses : undefined),
    isEntry: ({ success }) => typeof success === 'boolean',
    failure: entry => (entry.success === false ? (entry.error ?? entry) : undefined),
  },
  {
    of: 'FCM, legacy',
    entries: ({ results, failure, failureCount }) =>
      typeof (failure ?? failureCount) === 'number' ? results : undefined,
    isEntry: () => true,
    failure: ({ error }) => error ?? undefined,
  },
  bulk('AWS EventBridge: PutEvents', 'Entries', 'FailedEntryCount'),
  bulk('AWS Kinesis: PutRecords', 'Records', 'FailedRecordCount'),
  bulk('AWS Firehose: PutRecordBatch', 'RequestResponses', 'FailedPutCount'),
  {
    of: 'AWS SES: SendBulkEmail',
    entries: ({ BulkEmailEntryResults }) => BulkEmailEntryResults,
    isEntry: ({ Status }) => isText(Status),
    failure: entry => (entry.Status === 'SUCCESS' ? undefined : entry),
  },
  {
    of: 'Mailjet: send v3.1',
    entries: ({ Messages }) => Messages,
    isEntry: ({ Status }) => isText(Status),
    failure: entry => (entry.Status === 'error' ? entry : undefined),
  },
  {
    of: 'Vonage: SMS',
    entries: ({ messages }) => messages,
    isEntry: entry => isText(entry.status) && (isText(entry['error-text']) || isText(entry['message-id'])),
    failure: entry => (entry.status === '0' ? undefined : entry),
  },
  {
    of: 'Tencent Cloud: SendSms',
    entries: ({ Response }) => (isPlain(Response) ? Response.SendStatusSet : undefined),
    isEntry: ({ Code }) => isText(Code),
    failure: entry => (isFailureCode(entry.Code) ? entry : undefined),
  },
]

/** Two lists, of what failed and of what did not. */
interface Halves {
  readonly of: string
  readonly halves: (answer: Answer) => readonly [failed: unknown, delivered: unknown]
  readonly isFailure: (entry: unknown) => boolean
}

const HALVES: readonly Halves[] = [
  {
    of: 'AWS SQS: SendMessageBatch, SNS: PublishBatch',
    halves: ({ Failed, Successful }) => [Failed, Successful ?? []],
    isFailure: entry => isPlain(entry) && isText(entry.Code),
  },
  {
    of: 'node-apn',
    halves: ({ failed, sent }) => [failed, sent],
    isFailure: entry => isPlain(entry) && isText(entry.device),
  },
  {
    of: 'nodemailer: the addresses that the server took',
    halves: ({ rejected, rejectedErrors, accepted }) => [rejectedErrors ?? rejected, accepted],
    isFailure: entry => isText(entry) || isError(entry) || isPlain(entry),
  },
]

/** What a list says of its entries, where it has a shape that is known; undefined: it is none, or it is somebody's own. */
export function outcomesOf(value: unknown): Outcomes | undefined {
  const answer = value as Answer
  for (const { entries, isEntry, failure } of LISTS) {
    const list = entries(answer)
    if (!Array.isArray(list) || list.length === 0) continue
    if (!list.every(entry => isPlain(entry) && isEntry(entry))) continue
    return { failures: list.map(failure).filter(found => found !== undefined), count: list.length }
  }
  if (!Array.isArray(value)) return halvesOf(answer)
  const errors = value.filter(isError)
  return errors.length > 0 ? { failures: errors, count: value.length } : undefined
}

function halvesOf(answer: Answer): Outcomes | undefined {
  for (const { halves, isFailure } of HALVES) {
    const [failed, delivered] = halves(answer)
    if (!Array.isArray(failed) || !Array.isArray(delivered) || failed.length === 0) continue
    if (failed.every(isFailure)) return { failures: failed, count: failed.length + delivered.length }
  }
  return undefined
}
