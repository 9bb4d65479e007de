import { axiosError, error, judged } from '../fixtures/verdicts.js'

const mail = (code: string, responseCode: number, command: string) =>
  error('x', { code, responseCode, command, response: `${responseCode} x` })

judged('an SMTP reply 4yz is retried, and 5yz is permanent', [
  ['no such mailbox', mail('EENVELOPE', 550, 'RCPT TO'), 'permanent'],
  ['as nodemailer has it, no more', error('x', { code: 'EENVELOPE', responseCode: 550 }), 'permanent'],
  ['greylisted', mail('EENVELOPE', 450, 'RCPT TO'), 'not sent'],
  ['full for now', mail('EENVELOPE', 452, 'RCPT TO'), 'not sent'],
  ['goes away', mail('EMESSAGE', 421, 'DATA'), 'not sent'],
  ['refused as spam', mail('EMESSAGE', 554, 'DATA'), 'permanent'],
  ['too large', mail('EMESSAGE', 552, 'DATA'), 'permanent'],
  ['wrong state', mail('EENVELOPE', 503, 'MAIL FROM'), 'retry'],
])

judged('a login that a mail server refuses halts, unless it may work later', [
  ['wrong password', mail('EAUTH', 535, 'AUTH PLAIN'), 'halt'],
  ['too many logins', mail('EAUTH', 454, 'AUTH PLAIN'), 'not sent'],
  [
    'credentials missing',
    error('Missing credentials for "PLAIN"', { code: 'EAUTH', command: 'API' }),
    'halt',
  ],
  ['login required', mail('EENVELOPE', 530, 'MAIL FROM'), 'halt'],
  ['refused at the greeting', mail('EPROTOCOL', 554, 'CONN'), 'halt'],
  ['OAuth', error('x', { code: 'EOAUTH2' }), 'halt'],
])

judged('an SMTP failure before the mail is begun means not sent, and a later one is ambiguous', [
  ['no connection in time', error('Connection timeout', { code: 'ETIMEDOUT', command: 'CONN' }), 'not sent'],
  [
    'refused',
    error('connect ECONNREFUSED', { code: 'ESOCKET', syscall: 'connect', command: 'CONN' }),
    'not sent',
  ],
  ['refused, by the code beneath', error('x', { code: 'ESOCKET', originalCode: 'ECONNREFUSED' }), 'not sent'],
  ['no greeting', error('Greeting never received', { code: 'ETIMEDOUT', command: 'CONN' }), 'not sent'],
  ['no name', error('x', { code: 'EDNS', command: 'CONN' }), 'not sent'],
  ['no TLS', error('x', { code: 'ETLS', command: 'STARTTLS' }), 'not sent'],
  ['silent', error('Timeout', { code: 'ETIMEDOUT', command: 'CONN' }), 'ambiguous'],
  ['closed', error('Connection closed unexpectedly', { code: 'ECONNECTION', command: 'CONN' }), 'ambiguous'],
  ['no recipients', error('No recipients defined', { code: 'EENVELOPE', command: 'API' }), 'permanent'],
])

judged('codes of mail services have verdicts of their own', [
  ['Resend, returned', { name: 'rate_limit_exceeded', message: 'x', statusCode: 429 }, 'rate-limited'],
  [
    'Resend, no answer: its client does not say why',
    error('x', {
      // Our own, of a refusal that was returned.
      name: 'ResponseError',
      body: {
        data: null,
        error: { name: 'application_error', statusCode: null, message: 'Unable to fetch.' },
      },
    }),
    'ambiguous',
  ],
  [
    'Resend, a page with a status: its client names it so, too',
    { error: { name: 'application_error', statusCode: 503, message: 'x' }, headers: { 'retry-after': '9' } },
    'rate-limited 9000',
  ],
  [
    'Postmark under maintenance, by its client',
    error('Maintenance', { name: 'ServiceUnavailablerError', statusCode: 503, code: 100 }),
    'not sent',
  ],
  ['Resend, a wrong key comes with 403', { name: 'invalid_api_key', message: 'x', statusCode: 403 }, 'halt'],
  [
    'Resend, the quota of a day',
    { name: 'daily_quota_exceeded', message: 'x', statusCode: 429 },
    'rate-limited group',
  ],
  [
    'Resend, the same still runs',
    { name: 'concurrent_idempotent_requests', message: 'x', statusCode: 409 },
    'retry',
  ],
  [
    'Resend, another with the same key',
    { name: 'invalid_idempotent_request', message: 'x', statusCode: 409 },
    'permanent',
  ],
  ['Postmark, a wrong token', axiosError(422, { ErrorCode: 10, Message: 'x' }), 'halt'],
  ['Postmark, no credits', axiosError(422, { ErrorCode: 405, Message: 'x' }), 'halt'],
  ['postmark.js', error('x', { name: 'ApiInputError', code: 412, statusCode: 422 }), 'halt'],
  [
    'postmark.js, inactive',
    error('x', { name: 'InactiveRecipientsError', code: 406, statusCode: 422 }),
    'permanent',
  ],
  ['Mailgun', error('Forbidden', { status: 401, details: 'x' }), 'halt'],
])
