import { ambiguous, at, notSent, type Rule, textAt } from './rule.js'

/** Codes of Node, its TLS and DNS, and undici that come before a byte of the request went out. */
const BEFORE_THE_REQUEST = new Set([
  // Nobody is there, or there is no way.
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  // No name.
  'ENOTFOUND',
  'ENODATA',
  'ESERVFAIL',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NODATA',
  'EAI_NONAME',
  // This machine has run out of something.
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'EADDRINUSE',
  // No agreement on TLS.
  'EPROTO',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_TLS_HANDSHAKE_TIMEOUT',
  // undici: not connected in time, or its client was closed already.
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_CLOSED',
])

/** Codes that may come after it. */
const PERHAPS_AFTER = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_HTTP2_STREAM_ERROR',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_ABORTED',
  'UND_ERR_DESTROYED',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
])

/** System calls during which nothing was sent yet. */
const CONNECTING = new Set(['connect', 'getaddrinfo', 'bind', 'socket'])
/** System calls of a connection that stands. */
const CONNECTED = new Set(['read', 'write', 'writev', 'shutdown'])

export const networkCode: Rule = error => {
  const code = textAt(error, 'code')
  // One error for each address that was tried: they tell more than the code of the whole.
  if (code === undefined || Array.isArray(at(error, 'errors'))) return undefined
  const call = textAt(error, 'syscall')
  if (BEFORE_THE_REQUEST.has(code)) return call !== undefined && CONNECTED.has(call) ? ambiguous : notSent
  if (!PERHAPS_AFTER.has(code)) return undefined
  if (call !== undefined && CONNECTING.has(call)) return notSent
  // Node's words for a reset during the TLS handshake; the code alone does not tell.
  return textAt(error, 'message')?.includes('before secure TLS connection was established')
    ? notSent
    : ambiguous
}
