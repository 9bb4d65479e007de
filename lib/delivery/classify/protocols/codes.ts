import { property } from '../../errors/property.js'
import type { ErrorRule, Meaning } from './meaning.js'

/**
 * Codes of Node, its TLS, DNS and HTTP/2, of undici and of other clients. They are read from the error
 * itself, so no endpoint can make them up.
 */
const ROWS: readonly (readonly [means: Meaning, source: string, codes: string])[] = [
  // No one listens, or there is no route or no name.
  ['unreachable', 'errno(3)', 'ECONNREFUSED EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN'],
  ['unreachable', 'getaddrinfo(3)', 'ENOTFOUND EAI_AGAIN EAI_FAIL EAI_NODATA EAI_NONAME'],
  [
    'unreachable',
    'nodejs.org/api/dns.html#error-codes',
    'ENODATA ESERVFAIL EREFUSED EBADRESP EFORMERR ENOTIMP',
  ],
  // The TLS handshake failed.
  ['unreachable', 'errno(3), as OpenSSL’s failures are told by Node', 'EPROTO'],
  [
    'unreachable',
    'nodejs.org/api/tls.html#x509-certificate-error-codes',
    `UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_CRL UNABLE_TO_DECRYPT_CERT_SIGNATURE
    UNABLE_TO_DECRYPT_CRL_SIGNATURE UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY CERT_SIGNATURE_FAILURE
    CRL_SIGNATURE_FAILURE CERT_NOT_YET_VALID CERT_HAS_EXPIRED CRL_NOT_YET_VALID CRL_HAS_EXPIRED
    ERROR_IN_CERT_NOT_BEFORE_FIELD ERROR_IN_CERT_NOT_AFTER_FIELD DEPTH_ZERO_SELF_SIGNED_CERT
    SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE
    CERT_CHAIN_TOO_LONG CERT_REVOKED INVALID_CA PATH_LENGTH_EXCEEDED INVALID_PURPOSE CERT_UNTRUSTED
    CERT_REJECTED HOSTNAME_MISMATCH`,
  ],
  [
    'unreachable',
    'nodejs.org/api/errors.html',
    'ERR_TLS_CERT_ALTNAME_INVALID ERR_TLS_HANDSHAKE_TIMEOUT ERR_SOCKET_CONNECTION_TIMEOUT',
  ],
  [
    'unreachable',
    'OpenSSL, sslerr.h: alerts and faults of a handshake',
    `ERR_SSL_WRONG_VERSION_NUMBER ERR_SSL_UNSUPPORTED_PROTOCOL ERR_SSL_NO_PROTOCOLS_AVAILABLE
    ERR_SSL_PACKET_LENGTH_TOO_LONG ERR_SSL_HTTP_REQUEST ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE
    ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION ERR_SSL_TLSV1_UNRECOGNIZED_NAME ERR_SSL_TLSV1_ALERT_UNKNOWN_CA
    ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED
    ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN
    ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED ERR_SSL_TLSV1_ALERT_ACCESS_DENIED
    ERR_SSL_CERTIFICATE_VERIFY_FAILED ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED
    ERR_SSL_NO_CIPHERS_AVAILABLE ERR_SSL_DH_KEY_TOO_SMALL`,
  ],
  [
    'unreachable',
    'Node, http2: a stream that waited for the connection, which did not come about',
    'ERR_HTTP2_STREAM_CANCEL',
  ],
  ['unreachable', 'undici, errors.md: not connected in time', 'UND_ERR_CONNECT_TIMEOUT'],
  [
    'unreachable',
    'undici, errors.md: no proxy, no tunnel',
    'UND_ERR_PRX_TLS UND_ERR_PRX_CONN UND_ERR_SOCKS5 UND_ERR_BPL_MISSING_UPSTREAM',
  ],
  ['unreachable', 'nodejs.org/api/errors.html: no tunnel', 'ERR_PROXY_TUNNEL'],
  ['unreachable', 'nodemailer, errors.js: before the mail was begun', 'EDNS ETLS EREQUIRETLS EPROXY'],
  ['unreachable', 'nodemailer, smtp-connection', 'CONNECTION_TIMEOUT GREETING_TIMEOUT'],

  // This machine has run out of a resource.
  ['not-sent', 'errno(3)', 'EADDRNOTAVAIL EADDRINUSE EMFILE ENFILE ENOBUFS'],
  // A client, or a connection, that was closed before its use.
  ['not-sent', 'undici, errors.md', 'UND_ERR_CLOSED UND_ERR_INVALID_ARG UND_ERR_NOT_SUPPORTED'],
  [
    'not-sent',
    'nodejs.org/api/errors.html: no stream was opened',
    'ERR_HTTP2_GOAWAY_SESSION ERR_HTTP2_INVALID_SESSION ERR_HTTP2_OUT_OF_STREAMS',
  ],
  // No request could be made of it, so none was sent.
  [
    'not-sent',
    'nodejs.org/api/errors.html',
    'ERR_INVALID_URL ERR_INVALID_PROTOCOL ERR_UNESCAPED_CHARACTERS ERR_INVALID_CHAR ERR_INVALID_HTTP_TOKEN',
  ],
  ['not-sent', 'got, errors.ts', 'ERR_UNSUPPORTED_PROTOCOL'],
  // A circuit breaker did not let it through.
  ['unreachable', 'opossum, circuit.js', 'EOPENBREAKER'],
  ['not-sent', 'opossum, circuit.js', 'ESEMLOCKED ESHUTDOWN'],
  ['not-sent', 'OpenClaw: its adapters’ word for it', 'OPENCLAW_PLATFORM_MESSAGE_NOT_DISPATCHED'],

  ['unanswered', 'errno(3)', 'ECONNRESET ECONNABORTED EPIPE ETIMEDOUT ENETRESET ENOTCONN'],
  ['unanswered', 'nodejs.org/api/dns.html, and clients of databases', 'ETIMEOUT'],
  ['unanswered', 'request and its heirs, agentkeepalive', 'ESOCKETTIMEDOUT ERR_SOCKET_TIMEOUT'],
  ['unanswered', 'axios, AxiosError.js', 'ERR_NETWORK'],
  [
    'unanswered',
    'nodejs.org/api/errors.html',
    'ERR_STREAM_PREMATURE_CLOSE ERR_HTTP2_STREAM_ERROR ERR_HTTP2_SESSION_ERROR',
  ],
  ['unanswered', 'undici, errors.md', 'UND_ERR_SOCKET UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT'],
  ['unanswered', 'nodemailer, errors.js', 'ECONNECTION ESOCKET'],
  [
    'unanswered',
    'firebase.google.com/docs/cloud-messaging/error-codes',
    'messaging/server-unavailable app/network-error app/network-timeout',
  ],

  ['doubt', 'undici, errors.md', 'UND_ERR_ABORTED UND_ERR_DESTROYED UND_ERR_RES_CONTENT_LENGTH_MISMATCH'],
  ['doubt', 'firebase', 'messaging/internal-error messaging/unknown-error app/unable-to-parse-response'],

  // The sender is not set up correctly.
  ['halt', 'nodemailer, errors.js', 'ENOAUTH EOAUTH2 ECONFIG'],
  ['halt', 'discord.js, ErrorCodes.js', 'TokenInvalid TokenMissing TOKEN_INVALID TOKEN_MISSING'],
  [
    'halt',
    'firebase.google.com/docs/cloud-messaging/error-codes',
    `messaging/authentication-error messaging/invalid-apns-credentials messaging/third-party-auth-error
    app/invalid-credential app/invalid-app-options app/no-app`,
  ],

  [
    'limit',
    'firebase',
    `messaging/message-rate-exceeded messaging/device-message-rate-exceeded
    messaging/topics-message-rate-exceeded messaging/topics-subscription-rate-exceeded
    messaging/quota-exceeded`,
  ],

  [
    'permanent',
    'firebase',
    `messaging/invalid-argument messaging/invalid-recipient messaging/invalid-payload
    messaging/invalid-data-payload-key messaging/payload-size-limit-exceeded messaging/invalid-options
    messaging/invalid-registration-token messaging/registration-token-not-registered
    messaging/invalid-package-name messaging/too-many-topics messaging/mismatched-credential
    messaging/sender-id-mismatch messaging/batch-message-limit-exceeded`,
  ],
  ['permanent', 'nodemailer, errors.js: nothing that it could make a mail of', 'EMAXRECIPIENTS'],
]

const MEANINGS = new Map(
  ROWS.flatMap(([means, , codes]) => codes.split(/\s+/).map(code => [code, means] as const)),
)

/** System calls before anything is sent, however they fail; `queryA`, `spawn signal-cli`. */
const BEFORE = /^(?:connect|getaddrinfo|bind|socket|query\w*|spawn .*)$/
/** System calls on an established connection. */
const AFTER = /^(?:read|write|writev|shutdown)$/
/** Events waited for in vain before a request; any later one means that the request was under way. */
const EVENTS: readonly unknown[] = ['lookup', 'connect', 'secureConnect']

const NOT_CONNECTED = /^(?:\w+_)?NOT_CONNECTED$/
const NOT_READY = /^(?:ERR_)?(?:\w+_)?NOT_(?:CONFIGURED|INITIALI[SZ]ED|READY)$/

export const clientCode: ErrorRule = ({ error, message }) => {
  const code = property(error, 'code')
  if (typeof code !== 'string' || isOfSeveral(error)) return undefined
  if (NOT_CONNECTED.test(code)) return { means: 'not-sent' }
  if (NOT_READY.test(code)) return { means: 'halt', reason: message || code }
  const call = String(property(error, 'syscall') ?? '')
  // nodemailer replaces the system's code with one of its own.
  const original = property(error, 'originalCode')
  const means = MEANINGS.get(typeof original === 'string' && MEANINGS.has(original) ? original : code)
  if (BEFORE.test(call)) return { means: means === 'not-sent' ? means : 'unreachable' }
  if (means === 'unreachable') return { means: AFTER.test(call) ? 'unanswered' : means }
  if (means === 'unanswered')
    return { means: EVENTS.includes(property(error, 'event')) ? 'unreachable' : means }
  return means && { means, reason: code }
}

/** Whether it has an error for each address tried: these tell more than the code of the whole. */
function isOfSeveral(error: unknown): boolean {
  const errors = property(error, 'errors')
  return Array.isArray(errors) && errors.length > 0
}

/** Names of errors that nothing else identifies. An abort may be anyone's. */
const NAMES: readonly (readonly [name: RegExp, means: Meaning, source: string])[] = [
  [/TimeoutError$/, 'unanswered', 'the language, the queue’s own, many a client'],
  [/^BrokenCircuitError$/, 'unreachable', 'cockatiel: the breaker let nothing through'],
  [/^(?:IsolatedCircuit|BulkheadRejected)Error$/, 'not-sent', 'cockatiel'],
  [/^(?:CredentialUnavailable|AggregateAuthentication)Error$/, 'halt', '@azure/identity'],
  [/^BottleneckError$/, 'not-sent', 'Bottleneck: dropped before it ran'],
  [/^(?:Rate_?Limit\w*|TooManyRequests)(?:Error|Exception)$/i, 'limit', 'Loops, many a client'],
]

export const errorName: ErrorRule = ({ name }) => {
  const means = NAMES.find(([pattern]) => pattern.test(name))?.[1]
  return means && { means, reason: name }
}
