import { each, type Platform } from './platform.js'

/** Services that send mail. SMTP replies are in `smtp.ts`, Amazon's answers in `aws.ts`. */
export const MAIL: readonly Platform[] = [
  {
    name: 'Resend',
    source: 'https://resend.com/docs/api-reference/errors',
    marks: [{ has: ['name', 'message', 'statusCode'] }, { has: ['name', 'message'] }],
    code: ['name'],
    means: {
      ...each('halt', ['missing_api_key', 'invalid_api_key', 'restricted_api_key', 'suspended_api_key']),
      rate_limit_exceeded: 'limit',
      ...each('limit-group', ['daily_quota_exceeded', 'monthly_quota_exceeded']),
      concurrent_idempotent_requests: 'retry',
      ...each('permanent', ['invalid_idempotency_key', 'invalid_idempotent_request', 'validation_error']),
      ...each('permanent', [
        'missing_required_field',
        'invalid_parameter',
        'invalid_from_address',
        'not_found',
      ]),
      internal_server_error: 'doubt',
    },
  },
  {
    name: 'Resend',
    source:
      'resend-node, resend.ts: what it makes of whatever fetch threw; beside a status, that one tells more',
    marks: [{ is: { name: 'application_error', statusCode: null } }],
    code: ['name'],
    means: { application_error: 'unanswered' },
  },
  {
    name: 'Mandrill',
    source: 'https://mailchimp.com/developer/transactional/docs/error-codes/',
    marks: [{ is: { status: 'error' } }],
    code: ['name'],
    means: {
      ...each('halt', ['Invalid_Key', 'PaymentRequired', 'Unknown_Subaccount']),
      ...each('permanent', ['ValidationError', 'Unknown_Template']),
      ...each('doubt', ['GeneralError', 'ServiceUnavailable']),
    },
  },
  {
    name: 'Postmark',
    source: 'https://postmarkapp.com/developer/api/overview#error-codes',
    marks: [{ has: ['ErrorCode', 'Message'] }],
    code: ['ErrorCode'],
    means: {
      // The token, no credits, an account that waits for approval or may not send.
      ...each('halt', [10, 405, 412, 413]),
      // Under maintenance.
      100: 'not-sent',
      429: 'limit',
    },
    otherwise: 'permanent',
  },
  {
    name: 'Postmark',
    source: 'postmark.js, Errors.ts: the same codes under another name, beside a status',
    marks: [
      { named: 'ApiInputError' },
      { named: 'InactiveRecipientsError' },
      { named: 'InvalidAPIKeyError' },
      // Spelled like this.
      { named: 'ServiceUnavailablerError' },
    ],
    code: ['code'],
    means: { ...each('halt', [10, 405, 412, 413]), 100: 'not-sent', 429: 'limit' },
  },
]
