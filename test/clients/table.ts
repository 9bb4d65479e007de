/**
 * What becomes of a message in each case, by client: the right verdict, whatever the code says. The tests compare what
 * really happens with it, and `npm run docs:clients` writes it into `docs/delivery.md`.
 */
export interface Family {
  readonly title: string
  /** The heading of each column, and the clients that it speaks of. */
  readonly columns: Readonly<Record<string, readonly string[]>>
  /** Cases, divided by ` · `; then a cell for each column, or one for all. */
  readonly rows: readonly (readonly [cases: string, ...cells: string[]])[]
  /** Why a cell is not as its neighbours. */
  readonly notes?: readonly string[]
}

/** Of a client that has no such case. */
export const NONE = '—'

/** `retry`, not charged: nothing was taken, and the message is not to blame. */
const NOT_SENT = 'not sent'
const WAIT = 'rate-limited 30 s'
const DOUBT = 'ambiguous'

export const FAMILIES: readonly Family[] = [
  {
    title: 'Chats',
    columns: {
      grammY: ['grammy 1'],
      Telegraf: ['telegraf 4'],
      'node-telegram-bot-api': ['node-telegram-bot-api 2'],
      Slack: ['@slack/web-api 8', '@slack/web-api 7'],
      Discord: ['@discordjs/rest 2'],
      Matrix: ['matrix-js-sdk 37'],
    },
    rows: [
      ['success', 'delivered'],
      ['400 · 403', 'permanent'],
      // Slack: `invalid_auth`.
      ['401', 'halt'],
      // Telegram says it of a bot that it does not know, never of a chat. Slack: `channel_not_found`.
      ['404', 'halt', 'halt', 'halt', 'permanent', 'permanent', 'permanent'],
      ['413', 'permanent', 'permanent', 'permanent', NONE, NONE, 'permanent'],
      ['429', WAIT],
      ['500 · 502 · 504', DOUBT],
      ['503', NONE, NONE, NONE, DOUBT, DOUBT, DOUBT],
      ['503 with Retry-After', NONE, NONE, NONE, WAIT, NONE, WAIT],
      ['502, a page', DOUBT],
      ['200, a page', DOUBT, DOUBT, DOUBT, DOUBT, 'delivered ¹', DOUBT],
      ['200, a broken body', DOUBT],
      ['200, broken off', DOUBT, 'not tried ³', DOUBT, DOUBT, DOUBT, DOUBT],
      ['connection refused · no such host', NOT_SENT, NOT_SENT, NOT_SENT, NOT_SENT, NOT_SENT, 'ambiguous ²'],
      ['closed in the TLS handshake', NOT_SENT, NOT_SENT, NOT_SENT, NOT_SENT, NOT_SENT, 'ambiguous ²'],
      // No client can tell the first from the second.
      ['reset before it was taken · reset after it was taken', DOUBT],
      ['time-out of the client', DOUBT, 'not tried ³', DOUBT, DOUBT, DOUBT, DOUBT],
      ['aborted by the queue', DOUBT, DOUBT, DOUBT, DOUBT, DOUBT, NONE],
    ],
    notes: [
      '¹ Its client returns a body that is not JSON as bytes, without an error.',
      '² `ConnectionError: fetch failed`, without its cause: no one can tell whether there was a connection.',
      '³ It is fixed at 500 s: the queue is faster. After an answer that broke off, its timer holds the process that long.',
    ],
  },
  {
    title: 'Telegram, by what it says',
    columns: { Telegram: ['grammy 1', 'telegraf 4', 'node-telegram-bot-api 2'] },
    rows: [
      ['400, chat not found · 400, the group moved', 'permanent'],
      // `delivered` only of a message in doubt.
      ['400, message is not modified', 'permanent ¹'],
      ['429 without a wait', 'rate-limited'],
    ],
    notes: ['¹ `delivered` if the message may have been sent before: the edit arrived.'],
  },
  {
    title: 'Slack, by what it says with status 200',
    columns: { Slack: ['@slack/web-api 8', '@slack/web-api 7'] },
    rows: [
      ['200, `internal_error`', DOUBT],
      ['200, `ratelimited`', WAIT],
      ['200, `service_unavailable`', NOT_SENT],
      // The body arrived broken.
      ['200, `request_timeout`', 'retry'],
    ],
  },
  {
    title: 'Discord and Matrix, by what they say',
    columns: { Discord: ['@discordjs/rest 2'], Matrix: ['matrix-js-sdk 37'] },
    rows: [
      // 50027: the token of one interaction, not the bot's.
      ['401, an interaction that expired', 'permanent', NONE],
      // The client adds 50 ms to each wait.
      ['429 of the whole bot', 'rate-limited 3.05 s, group', NONE],
      ['429, `retry_after_ms`', NONE, WAIT],
      ['403, `M_USER_DEACTIVATED`', NONE, 'halt'],
    ],
  },
  {
    title: 'HTTP',
    columns: {
      'fetch, returned': ['fetch, its response returned'],
      'fetch, read': ['fetch, its response read'],
      'undici, returned': ['undici request, its response returned'],
      'undici, thrown': ['undici request, its refusals thrown'],
      axios: ['axios 1'],
      got: ['got 14'],
    },
    rows: [
      ['success', 'delivered'],
      // Not followed: it was not taken where it was sent.
      ['308', 'permanent'],
      ['400 · 403 · 404 · 409 · 410 · 413 · 422', 'permanent'],
      ['401 · 402', 'halt'],
      ['403 with Retry-After · 413 with Retry-After', WAIT],
      ['408', DOUBT],
      ['412 · 423', 'retry'],
      ['421', 'retry ¹', 'retry ¹', 'retry', 'retry', 'retry', 'retry'],
      ['425 · 529', NOT_SENT],
      ['429 · 429 with a date', WAIT],
      ['429 without a wait', 'rate-limited'],
      ['500 · 502 · 503 · 504 · 502, a page', DOUBT],
      ['503 with Retry-After', WAIT],
      ['520 · 522', DOUBT],
      ['521 · 523 · 525', NOT_SENT],
      ['200, a page', 'delivered', DOUBT, 'delivered', DOUBT, 'delivered', 'delivered'],
      ['200, a broken body', 'delivered', DOUBT, 'delivered', DOUBT, 'delivered', 'delivered'],
      ['200, broken off', 'delivered', DOUBT, 'delivered', DOUBT, DOUBT, DOUBT],
      ['connection refused · no such host · closed in the TLS handshake', NOT_SENT],
      ['the proxy makes no tunnel', NONE, NONE, NOT_SENT, NONE, 'ambiguous ²', NONE],
      ['reset before it was taken · reset after it was taken', DOUBT],
      ['time-out of the client · aborted by the queue', DOUBT],
    ],
    notes: [
      '¹ `fetch` itself repeats it once, over another connection, as its standard says.',
      "² It reports the proxy's answer, here 503, as the receiver's. So does web-push.",
    ],
  },
  {
    title: 'HTTP/2',
    columns: { 'node:http2': ['node:http2'], undici: ['undici over HTTP/2'] },
    rows: [
      ['success', 'delivered'],
      ['429', WAIT],
      ['503', DOUBT],
      // RFC 9113, 8.7: "no application processing".
      ['the stream is refused', NOT_SENT],
      ['the session goes away with it under way', NONE, 'ambiguous ¹'],
      ['a session that was closed · a session that was destroyed', NOT_SENT, NONE],
      ['connection refused · no such host', NOT_SENT],
      ['reset after it was taken', DOUBT],
      ['time-out of the client', NONE, DOUBT],
      ['aborted by the queue', DOUBT],
    ],
    notes: ['¹ Its error does not say which streams the session took.'],
  },
  {
    title: 'Services',
    columns: {
      GitHub: ['octokit 5'],
      SendGrid: ['@sendgrid/mail 8'],
      Resend: ['resend 6'],
      Svix: ['svix 1'],
      'web-push': ['web-push 3'],
      Twilio: ['twilio 6'],
    },
    rows: [
      ['success', 'delivered'],
      ['400 · 403 · 404', 'permanent'],
      ['401', 'halt'],
      ['402', NONE, 'halt', NONE, 'halt', NONE, NONE],
      ['408', NONE, DOUBT, NONE, DOUBT, NONE, NONE],
      ['409', 'permanent', 'permanent', NONE, 'permanent', NONE, NONE],
      ['410', 'permanent', 'permanent', NONE, 'permanent', 'permanent', NONE],
      ['413', NONE, 'permanent', NONE, 'permanent', 'permanent', NONE],
      ['422', 'permanent', 'permanent', 'permanent', 'permanent', NONE, NONE],
      ['429', WAIT, WAIT, WAIT, WAIT, WAIT, 'rate-limited ¹'],
      ['429 without a wait', NONE, 'rate-limited', NONE, 'rate-limited', 'rate-limited', NONE],
      ['500 · 502 · 503 · 504 · 502, a page', DOUBT],
      ['503 with Retry-After', WAIT, WAIT, WAIT, WAIT, WAIT, 'ambiguous ¹'],
      ['200, a page', 'delivered', 'delivered', DOUBT, DOUBT, 'delivered', DOUBT],
      ['200, a broken body', 'delivered', 'delivered', DOUBT, DOUBT, 'delivered', DOUBT],
      ['200, broken off', 'delivered', DOUBT, DOUBT, DOUBT, 'ambiguous ²', DOUBT],
      ['connection refused · no such host', NOT_SENT, NOT_SENT, 'ambiguous ³', NOT_SENT, NOT_SENT, NOT_SENT],
      ['closed in the TLS handshake', NOT_SENT, NOT_SENT, 'ambiguous ³', NOT_SENT, NOT_SENT, NOT_SENT],
      ['reset before it was taken', DOUBT, DOUBT, DOUBT, DOUBT, NONE, DOUBT],
      ['reset after it was taken', DOUBT],
      ['time-out of the client', NONE, DOUBT, NONE, DOUBT, DOUBT, DOUBT],
      ['aborted by the queue', DOUBT, DOUBT, DOUBT, DOUBT, DOUBT, NONE],
    ],
    notes: [
      '¹ Its client keeps no header, so the wait is lost.',
      '² It waits for the rest until the queue cuts it off.',
      '³ Its client says “Unable to fetch data” for every failure.',
    ],
  },
  {
    title: 'Services, by what they say',
    columns: { GitHub: ['octokit 5'], Resend: ['resend 6'], Twilio: ['twilio 6'] },
    rows: [
      ['403 with Retry-After', WAIT, NONE, NONE],
      // With the moment at which the window ends.
      ['403, nothing remaining · 429, nothing remaining', WAIT, NONE, NONE],
      ['403, `invalid_api_key`', NONE, 'halt', NONE],
      // The first request with this key still runs.
      ['409, `concurrent_idempotent_requests`', NONE, 'retry', NONE],
      ['409, `invalid_idempotent_request`', NONE, 'permanent', NONE],
      ['429, `daily_quota_exceeded`', NONE, 'rate-limited, group', NONE],
      ['400, unsubscribed', NONE, NONE, 'permanent'],
    ],
  },
  {
    title: 'More services',
    columns: {
      'Amazon SES': ['@aws-sdk/client-sesv2 3'],
      LINE: ['@line/bot-sdk 11'],
      Postmark: ['postmark 5'],
      Expo: ['expo-server-sdk 6'],
    },
    rows: [
      ['success', 'delivered'],
      ['400', 'permanent', 'permanent', NONE, 'permanent'],
      ['401', NONE, 'halt', 'halt', 'halt'],
      ['403', NONE, 'permanent', NONE, NONE],
      ['404', 'permanent', 'permanent', NONE, NONE],
      ['429', 'rate-limited', 'rate-limited', 'rate-limited', 'not tried ¹'],
      ['500 · 502 · 504 · 502, a page', DOUBT],
      ['503', DOUBT, DOUBT, 'not sent ²', DOUBT],
      ['200, a page · 200, a broken body', DOUBT, DOUBT, 'delivered', DOUBT],
      ['200, broken off', DOUBT, DOUBT, DOUBT, NONE],
      ['connection refused · no such host', NOT_SENT, NOT_SENT, 'ambiguous ³', NONE],
      ['closed in the TLS handshake', NOT_SENT, NOT_SENT, 'ambiguous ³', NONE],
      ['reset before it was taken', DOUBT, DOUBT, DOUBT, NONE],
      ['reset after it was taken', DOUBT],
      ['time-out of the client', DOUBT, NONE, DOUBT, NONE],
      ['aborted by the queue', DOUBT, NONE, NONE, NONE],
    ],
    notes: [
      '¹ Its client repeats it twice, which cannot be switched off.',
      '² With its code 100, “maintenance”.',
      '³ `PostmarkError: fetch failed`, without its cause.',
    ],
  },
  {
    title: 'More services, by what they say',
    columns: {
      'Amazon SES': ['@aws-sdk/client-sesv2 3'],
      LINE: ['@line/bot-sdk 11'],
      Postmark: ['postmark 5'],
      Expo: ['expo-server-sdk 6'],
    },
    rows: [
      ['400, `MessageRejected`', 'permanent', NONE, NONE, NONE],
      ['400, `AccountSuspendedException` · 400, `SendingPausedException`', 'halt', NONE, NONE, NONE],
      ['400, `LimitExceededException` · 400, `ThrottlingException`', 'rate-limited', NONE, NONE, NONE],
      ['400, `ExpiredTokenException`', 'halt', NONE, NONE, NONE],
      ['403, `AccessDeniedException` · 403, `SignatureDoesNotMatch`', 'halt', NONE, NONE, NONE],
      // Of a message in doubt: delivered.
      ['409, already accepted', NONE, 'permanent ¹', NONE, NONE],
      ['429, monthly limit', NONE, 'rate-limited', NONE, NONE],
      ['422, 300: an address that is none · 422, 406: an inactive recipient', NONE, NONE, 'permanent', NONE],
      ['422, 405: no credits', NONE, NONE, 'halt', NONE],
      ['a ticket: `DeviceNotRegistered` · a ticket: `MessageTooBig`', NONE, NONE, NONE, 'permanent'],
      ['a ticket: `MessageRateExceeded`', NONE, NONE, NONE, 'rate-limited'],
      ['a ticket: `InvalidCredentials`', NONE, NONE, NONE, 'halt'],
    ],
    notes: ['¹ `delivered` if the message may have been sent before: this very request was taken.'],
  },
  {
    title: 'SMTP, with nodemailer',
    columns: { nodemailer: ['nodemailer 10'] },
    rows: [
      ['success', 'delivered'],
      // 4yz: "try later", which is no fault of the message.
      ['greeting: 421 · AUTH: 454 · MAIL: 421 · MAIL: 451', NOT_SENT],
      ['RCPT: 450, greylisted · RCPT: 452, too many · DATA: 451 · end of mail: 451', NOT_SENT],
      // Before there is any message, so that no message is to blame.
      ['greeting: 554 · AUTH: 535 · MAIL: 530', 'halt'],
      ['MAIL: 550 · RCPT: 550 · RCPT: 552, full', 'permanent'],
      ['DATA: 554 · end of mail: 552 · end of mail: 554', 'permanent'],
      ['connection refused · no such host · closed in the TLS handshake', NOT_SENT],
      ['the proxy makes no tunnel', NOT_SENT],
      ['reset at the greeting · time-out at the greeting', NOT_SENT],
      ['reset at MAIL', 'ambiguous ¹'],
      ['reset after it was taken · time-out of the client', DOUBT],
    ],
    notes: ['¹ Its error is the same at every stage: `ESOCKET`, and `CONN` for a command.'],
  },
  {
    title: 'gRPC, with @grpc/grpc-js',
    columns: { gRPC: ['@grpc/grpc-js 1'] },
    rows: [
      ['success', 'delivered'],
      ['1 CANCELLED · 2 UNKNOWN · 4 DEADLINE_EXCEEDED', DOUBT],
      ['13 INTERNAL · 14 UNAVAILABLE · 15 DATA_LOSS', DOUBT],
      ['3 INVALID_ARGUMENT · 5 NOT_FOUND · 6 ALREADY_EXISTS · 7 PERMISSION_DENIED', 'permanent'],
      ['9 FAILED_PRECONDITION · 11 OUT_OF_RANGE · 12 UNIMPLEMENTED', 'permanent'],
      ['8 RESOURCE_EXHAUSTED', 'rate-limited'],
      ['8 RESOURCE_EXHAUSTED, `grpc-retry-pushback-ms`', WAIT],
      ['10 ABORTED', 'retry'],
      ['16 UNAUTHENTICATED', 'halt'],
      // Its client says that no connection was established.
      ['connection refused · no such host · closed in the TLS handshake', NOT_SENT],
      ['reset before it was taken', NOT_SENT],
      ['reset after it was taken · time-out of the client · aborted by the queue', DOUBT],
    ],
  },
  {
    title: 'Boom, as Baileys throws it',
    columns: { Boom: ['@hapi/boom 10'] },
    rows: [
      ['400 · 403 · 404', 'permanent'],
      ['401, logged out · 440, replaced by another session', 'halt'],
      ['408, timed out · 428, connection closed', DOUBT],
      ['429', 'rate-limited'],
      ['500 · 503', DOUBT],
    ],
  },
]

/** What the table says of a client in each of its cases, without the marks of notes. */
export function expectationsOf(client: string): Map<string, string> {
  const result = new Map<string, string>()
  for (const { columns, rows } of FAMILIES) {
    const column = Object.values(columns).findIndex(names => names.includes(client))
    if (column < 0) continue
    for (const [cases, ...cells] of rows) {
      const cell = plain(cells.length === 1 ? cells[0]! : cells[column]!)
      if (cell !== NONE && cell !== 'not tried') for (const name of cases.split(' · ')) result.set(name, cell)
    }
  }
  return result
}

function plain(cell: string): string {
  return cell.replace(/ [¹²³]$/, '')
}
