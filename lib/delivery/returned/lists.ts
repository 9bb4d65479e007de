import { isError, isText } from '../errors/property.js'
import { byName, isFailureCode, isPlain, isRefusedResponse, type PlatformAnswer } from './answer.js'

/** The results in a list with an entry for each thing sent. */
export interface Outcomes {
  readonly failures: readonly unknown[]
  readonly count: number
}

/** One shape of list. `failure` reads the failure from an entry; undefined: it did not fail. */
interface List {
  readonly of: string
  /** The property that holds it; '' if the answer is the list. */
  readonly by: string
  /** A property that must be beside it. Default: none. */
  readonly beside?: string
  readonly isEntry: (entry: PlatformAnswer) => boolean
  readonly failure: (entry: PlatformAnswer) => unknown
}

const bulk = (of: string, name: string, count: string): List => ({
  of,
  by: name,
  beside: count,
  isEntry: () => true,
  failure: entry => (isText(entry.ErrorCode) ? entry : undefined),
})
const expo: Pick<List, 'isEntry' | 'failure'> = {
  isEntry: ({ status, id, message }) =>
    (status === 'ok' && isText(id)) || (status === 'error' && isText(message)),
  failure: entry => (entry.status === 'error' ? entry : undefined),
}

const LISTS: readonly List[] = [
  { of: 'Expo: sendPushNotificationsAsync', by: '', ...expo },
  { of: 'Expo: the answer to push/send', by: 'data', ...expo },
  {
    of: 'Promise.allSettled',
    by: '',
    isEntry: entry =>
      (entry.status === 'fulfilled' && 'value' in entry) ||
      (entry.status === 'rejected' && 'reason' in entry),
    failure: ({ status, reason }) => (status === 'rejected' ? (reason ?? new Error('rejected')) : undefined),
  },
  {
    of: 'a list of answers: { ok }, { success }',
    by: '',
    isEntry: ({ ok, success }) => typeof (ok ?? success) === 'boolean',
    failure: entry => ((entry.ok ?? entry.success) === false ? (entry.error ?? entry) : undefined),
  },
  {
    of: 'JSON-RPC 2.0: a batch',
    by: '',
    isEntry: ({ jsonrpc }) => jsonrpc !== undefined,
    failure: entry => (isPlain(entry.error) ? entry : undefined),
  },
  {
    of: 'Postmark: batch',
    by: '',
    isEntry: ({ ErrorCode, Message }) => typeof ErrorCode === 'number' && isText(Message),
    failure: entry => (isFailureCode(entry.ErrorCode) ? entry : undefined),
  },
  {
    of: 'Mandrill: messages/send',
    by: '',
    isEntry: ({ email, status }) => isText(email) && isText(status),
    failure: entry => (entry.status === 'rejected' || entry.status === 'invalid' ? entry : undefined),
  },
  {
    of: 'firebase-admin: sendEach, sendEachForMulticast',
    by: 'responses',
    beside: 'failureCount',
    isEntry: ({ success }) => typeof success === 'boolean',
    failure: entry => (entry.success === false ? (entry.error ?? entry) : undefined),
  },
  {
    of: 'Microsoft Graph: $batch',
    by: 'responses',
    isEntry: ({ id, status }) => isText(id) && typeof status === 'number',
    failure: entry => (Number(entry.status) >= 400 ? entry : undefined),
  },
  {
    of: 'Infobip: SMS',
    by: 'messages',
    isEntry: ({ status }) => isPlain(status) && isText(status.groupName),
    failure: entry =>
      /^(?:REJECTED|UNDELIVERABLE)$/.test(String((entry.status as PlatformAnswer).groupName))
        ? entry
        : undefined,
  },
  {
    of: 'FCM, legacy',
    by: 'results',
    beside: 'failure',
    isEntry: () => true,
    failure: ({ error }) => error ?? undefined,
  },
  bulk('AWS EventBridge: PutEvents', 'Entries', 'FailedEntryCount'),
  bulk('AWS Kinesis: PutRecords', 'Records', 'FailedRecordCount'),
  bulk('AWS Firehose: PutRecordBatch', 'RequestResponses', 'FailedPutCount'),
  {
    of: 'AWS SES: SendBulkEmail',
    by: 'BulkEmailEntryResults',
    isEntry: ({ Status }) => isText(Status),
    failure: entry => (entry.Status === 'SUCCESS' ? undefined : entry),
  },
  {
    of: 'Mailjet: send v3.1',
    by: 'Messages',
    isEntry: ({ Status }) => isText(Status),
    failure: entry => (entry.Status === 'error' ? entry : undefined),
  },
  {
    of: 'Vonage: SMS',
    by: 'messages',
    isEntry: entry => isText(entry.status) && (isText(entry['error-text']) || isText(entry['message-id'])),
    failure: entry => (entry.status === '0' ? undefined : entry),
  },
  {
    of: 'Tencent Cloud: SendSms',
    by: 'SendStatusSet',
    isEntry: ({ Code }) => isText(Code),
    failure: entry => (isFailureCode(entry.Code) ? entry : undefined),
  },
]

/** Two lists: one of failures, one of successes. */
interface Halves {
  readonly of: string
  /** The property with the failures. */
  readonly by: string
  /** The property with the successes. */
  readonly beside: string
  /** The property with more about the failures. */
  readonly errors?: string
  readonly isFailure: (entry: unknown) => boolean
}

const isAddress = (entry: unknown) => isText(entry) || isError(entry) || isPlain(entry)

const HALVES: readonly Halves[] = [
  {
    of: 'AWS SQS: SendMessageBatch, SNS: PublishBatch',
    by: 'Failed',
    beside: 'Successful',
    isFailure: entry => isPlain(entry) && isText(entry.Code),
  },
  {
    of: 'node-apn',
    by: 'failed',
    beside: 'sent',
    isFailure: entry => isPlain(entry) && isText(entry.device),
  },
  { of: 'nodemailer', by: 'rejected', beside: 'accepted', errors: 'rejectedErrors', isFailure: isAddress },
]

const LISTS_BY_NAME = byName(LISTS)
const HALVES_BY_NAME = byName(HALVES)

/** The outcomes in a list of a known shape; undefined: it is not a list, or its shape is unknown. */
export function outcomesOf(value: readonly unknown[] | PlatformAnswer): Outcomes | undefined {
  if (!Array.isArray(value)) return outcomesIn(value as PlatformAnswer)
  if (value.length === 0) return undefined
  // A pair of an error and a result, as await-to-js returns it.
  if (value.length === 2 && isError(value[0]) && (value[1] ?? undefined) === undefined)
    return { failures: [value[0]], count: 1 }
  const errors = value.filter(entry => isError(entry) || isRefusedResponse(entry))
  if (errors.length > 0) return { failures: errors, count: value.length }
  return outcomesAs(LISTS_BY_NAME.get('') ?? [], value)
}

function outcomesIn(answer: PlatformAnswer): Outcomes | undefined {
  for (const name of Object.keys(answer)) {
    const list = answer[name]
    if (isPlain(list) && name === 'Response') return outcomesIn(list)
    if (!Array.isArray(list) || list.length === 0) continue
    const lists = LISTS_BY_NAME.get(name)?.filter(({ beside }) => beside === undefined || beside in answer)
    const found = outcomesAs(lists ?? [], list)
    if (found !== undefined) return found
    const halves = HALVES_BY_NAME.get(name)?.find(({ isFailure }) => list.every(isFailure))
    if (halves === undefined) continue
    // SQS leaves out a list that would be empty.
    const others = answer[halves.beside] ?? []
    const errors = answer[halves.errors ?? name]
    const failures = Array.isArray(errors) && errors.length === list.length ? errors : list
    if (Array.isArray(others)) return { failures, count: list.length + others.length }
  }
  return undefined
}

function outcomesAs(lists: readonly List[], entries: readonly unknown[]): Outcomes | undefined {
  for (const { isEntry, failure } of lists) {
    if (!entries.every(entry => isPlain(entry) && isEntry(entry))) continue
    const failures = entries
      .map(entry => failure(entry as PlatformAnswer))
      .filter(found => found !== undefined)
    return { failures, count: entries.length }
  }
  return undefined
}
