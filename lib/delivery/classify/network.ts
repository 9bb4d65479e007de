import { property } from '../recorded-error.js'
import type { Meaning, Rule } from './meaning.js'

/** Codes of Node, its TLS, DNS and HTTP/2, of undici and of other clients. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ...all('unreachable', [
    // Nobody is there, or there is no way.
    'ECONNREFUSED',
    'EHOSTUNREACH',
    'EHOSTDOWN',
    'ENETUNREACH',
    'ENETDOWN',
    // No name.
    'ENOTFOUND',
    'ENODATA',
    'ESERVFAIL',
    'EAI_AGAIN',
    'EAI_FAIL',
    'EAI_NODATA',
    'EAI_NONAME',
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
    // undici: not connected in time.
    'UND_ERR_CONNECT_TIMEOUT',
  ]),
  ...all('not-sent', [
    // This machine has run out of something.
    'EADDRNOTAVAIL',
    'EADDRINUSE',
    'EMFILE',
    'ENFILE',
    'ENOBUFS',
    // A client, or a connection, that was closed before it was asked.
    'UND_ERR_CLOSED',
    'ERR_HTTP2_GOAWAY_SESSION',
    'ERR_HTTP2_INVALID_SESSION',
    // No URL: nobody was asked.
    'ERR_INVALID_URL',
  ]),
  ...all('unanswered', [
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
  ]),
  ...all('doubt', ['UND_ERR_ABORTED', 'UND_ERR_DESTROYED', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH']),
}

/** System calls during which nothing was sent yet. */
const CONNECTING = new Set(['connect', 'getaddrinfo', 'bind', 'socket'])
/** System calls of a connection that stands. */
const CONNECTED = new Set(['read', 'write', 'writev', 'shutdown'])

export const networkCode: Rule = ({ error, message }) => {
  const code = property(error, 'code')
  // One error for each address that was tried: they tell more than the code of the whole.
  if (typeof code !== 'string' || Array.isArray(property(error, 'errors'))) return undefined
  if (!Object.hasOwn(MEANINGS, code)) return undefined
  const means = MEANINGS[code]!
  const call = property(error, 'syscall')
  if (means === 'unreachable') return { means: CONNECTED.has(call as string) ? 'unanswered' : means }
  if (means !== 'unanswered') return { means }
  // Node's words for a reset during the TLS handshake; the code alone does not tell.
  const isBefore =
    CONNECTING.has(call as string) || message.includes('before secure TLS connection was established')
  return { means: isBefore ? 'unreachable' : means }
}

/** By name: of the language, of the queue's own, of many a client. An abort may be anybody's. */
export const timedOut: Rule = ({ name }) => (name === 'TimeoutError' ? { means: 'unanswered' } : undefined)

function all(means: Meaning, codes: readonly string[]): Record<string, Meaning> {
  return Object.fromEntries(codes.map(code => [code, means]))
}
