import type { ErrorRule, Finding, Meaning } from './meaning.js'

/** How much of a longer text is looked at. */
const MAX_LENGTH = 500

/** What node-fetch puts before the text of the error that it wraps. */
const PASSED_ON = /^request to \S+ failed, reason: /

/**
 * How clients and adapters begin the text of an error that nothing else identifies. A text may quote
 * anything, even the message, so only its beginning counts.
 */
const BEGINNINGS: readonly (readonly [begins: RegExp, means: Meaning, source: string])[] = [
  // A tunnel that failed.
  [/^Proxy response \(407\) !== 200 when HTTP Tunneling/, 'halt', 'undici, proxy-agent.js'],
  [/^Proxy response \(\d+\) !== 200 when HTTP Tunneling/, 'unreachable', 'undici, proxy-agent.js'],
  [/^tunneling socket could not be established, statusCode=407/, 'halt', 'tunnel, tunnel-agent'],
  [/^tunneling socket could not be established/, 'unreachable', 'tunnel, tunnel-agent'],
  [
    /^Proxy connection (?:ended before receiving CONNECT response|timed out)/,
    'unreachable',
    'https-proxy-agent, socks',
  ],
  [/^Socks[45]? ?(?:proxy rejected connection|Authentication failed)/i, 'unreachable', 'socks'],
  // A connection that failed and whose code was lost.
  [
    /^(?:E[A-Z]+: )?(?:\w*Error: )?(?:connect E[A-Z]+ |getaddrinfo E[A-Z_]+ |Client network socket disconnected before secure TLS connection was established)/,
    'unreachable',
    'Node',
  ],
  [
    /^(?:Socket timed out without establishing a connection|@smithy\/node-http-handler - the request socket did not establish a connection)/,
    'unreachable',
    'AWS SDK: a `TimeoutError` of the connection',
  ],
  [/^EFATAL: AggregateError$/, 'unreachable', 'node-telegram-bot-api: of each address of the host'],
  // A TLS handshake that failed, in OpenSSL's words: later failures have others.
  [
    /^(?:write|read) EPROTO .{0,80}SSL routines:.{0,80}(?:wrong version number|handshake failure|unsupported protocol|protocol version|packet length too long|http request|unrecognized name|no protocols available|unknown ca|bad certificate|certificate required|too small|too weak)/,
    'unreachable',
    'Node, before it had codes for them',
  ],
  // The same at the end of a longer text without quotes and without a status.
  [
    /^(?:(?![3-5]\d\d\b)[^"'`{<\n]){1,200}: (?:connect E[A-Z]+ \S+|getaddrinfo E[A-Z_]+ \S+)(?: - Local \(\S+\))?$/,
    'unreachable',
    'programs that put a text before it',
  ],
  [
    /^Error while making request: (?:connect E[A-Z]+|getaddrinfo E[A-Z_]+) \S+\. Error code: E[A-Z_]+$/,
    'unreachable',
    'firebase-admin, api-request.js',
  ],
  [/^(?:Connection timeout|Greeting never received)$/, 'unreachable', 'nodemailer, smtp-connection'],
  [
    /^(?:\d+ UNAVAILABLE: )?(?:No connection established|Name resolution failed)/,
    'unreachable',
    '@grpc/grpc-js',
  ],
  // A connection that broke off and whose code was lost.
  [/^(?:socket hang up|read ECONNRESET|write EPIPE)/, 'unanswered', 'Node'],
  [
    /^(?:network timeout at: |Request timed out\b|timeout of \d+ms exceeded)/,
    'unanswered',
    'node-fetch, Eris, axios',
  ],
  // A stream that the receiver refused (RFC 9113, 8.7).
  [/^Stream closed with error code NGHTTP2_REFUSED_STREAM/, 'not-sent', 'Node, http2'],
  [
    /^(?:Invalid URL\b|Failed to parse URL from |Only (?:absolute URLs|HTTP\(S\) protocols) are supported)/,
    'not-sent',
    'undici, node-fetch',
  ],
  [/^(?:bad port|unknown scheme|URL scheme must be a HTTP\(S\) scheme)$/, 'not-sent', 'undici, fetch'],
  // A header with which no request could be made.
  [
    /^(?:(?:Headers|Request|fetch)\b.{0,40}: [\s\S]*is an invalid header (?:value|name)|Cannot convert argument to a ByteString)/,
    'not-sent',
    'undici, fetch',
  ],
  // A redirect that is not followed: the message was not taken where it was sent.
  [
    /^(?:unexpected redirect$|uri requested responds with a redirect, redirect mode is set to error)/,
    'permanent',
    'undici, node-fetch',
  ],
  // An adapter that says that it is not running.
  [/^No active (?:\S+ ){0,3}listener\b/i, 'not-sent', 'OpenClaw'],
  [
    /^(?:Error: )?(?:[\w.:/-]*[\w/-] ){0,4}?(?:is |are |was )?not (?:yet )?connected\b/i,
    'not-sent',
    'adapters of many kinds',
  ],
  [/^Cannot send requests while disconnected/, 'not-sent', 'GramJS, Telethon'],
  [/^WebSocket is not open: readyState/, 'not-sent', 'ws'],
  [/^message nacked$/, 'retry', 'amqplib: the broker would not take it'],
  [/^Channel (?:closed|closing)\b/, 'not-sent', 'amqplib'],
  [/^(?:client disconnecting|No connection to broker)/, 'not-sent', 'mqtt.js'],
  // The sender is missing or not set up.
  [
    /^(?:Error: )?(?:[\w.:/@-]*[\w/@-] ){0,4}?(?:is |are |was |has )?not (?:yet )?(?:been )?(?:configured|initiali[sz]ed)\b/i,
    'halt',
    'adapters of many kinds',
  ],
  [/^no adapter\b/i, 'halt', 'adapters of many kinds'],
  [
    /^(?:\w+ ){0,2}adapter (?:is )?(?:missing|not (?:found|ready|registered))\b/i,
    'halt',
    'adapters of many kinds',
  ],
  [/^Expected token to be set\b/, 'halt', '@discordjs/rest, after a 401, which makes it forget its token'],
  [/^Missing credentials\b/, 'halt', 'nodemailer'],
  [/^Could not load the default credentials\b/, 'halt', 'google-auth-library'],
]

/** Found in the middle of a text, outside its quotes: enough to halt one channel. */
const NOT_CONFIGURED =
  /\bnot (?:yet )?(?:configured|initiali[sz]ed)\b|\bno adapter\b|\badapter (?:is )?(?:missing|not (?:found|ready|registered))\b/i

const QUOTED = /"[^"]*"?|`[^`]*`?|“[^”]*”?|«[^»]*»?|(?<!\w)'[^']*'?|\{[\s\S]*|<[\s\S]*/g

/** Texts, without an error, that say that a request got no answer. */
const LOST =
  /^(?:fetch failed|network error|socket hang up|terminated|(?:the |this )?(?:operation|request) (?:was )?(?:aborted|timed out)|time-?out\b|timed out\b)/i
/** `String(error)`. */
const NAME = /^(?:\w{0,40}Error: ){1,3}/

/**
 * What a program met that puts an error's text into its answer: only whether the message may have been taken.
 */
export function metIn(text: string): Finding | undefined {
  const start = text.slice(0, 2_000).replace(NAME, '')
  if (LOST.test(start)) return { means: 'doubt' }
  const means = beginningOf(start)
  return means !== undefined && MET.has(means) ? { means } : undefined
}

const MET: ReadonlySet<Meaning> = new Set<Meaning>(['unreachable', 'not-sent', 'unanswered', 'doubt'])

/** What the beginning of an error's text says. */
export const textBeginning: ErrorRule = ({ message, status }) => {
  // With a status it is the receiver's text.
  if (status !== undefined || message === '') return undefined
  const means = beginningOf(message)
  return means && explained(means, message)
}

function beginningOf(text: string): Meaning | undefined {
  const start = text.replace(PASSED_ON, '').slice(0, MAX_LENGTH)
  return BEGINNINGS.find(([begins]) => begins.test(start))?.[1]
}

/** What the middle of an error's text says, if nothing else about the error says anything. */
export const textMiddle: ErrorRule = ({ message, status }) => {
  if (status !== undefined) return undefined
  const start = message.slice(0, MAX_LENGTH)
  if (!NOT_CONFIGURED.test(start.replace(QUOTED, ' '))) return undefined
  return { ...explained('halt', start), scope: 'channel' }
}

function explained(means: Meaning, reason: string): Finding {
  return means === 'halt' ? { means, reason: reason.slice(0, 200) } : { means }
}
