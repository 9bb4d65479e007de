import { property } from '../../errors/property.js'
import { isNotPassedOn } from './gateways.js'
import type { ErrorRule, Meaning } from './meaning.js'

/** The canonical codes: https://grpc.io/docs/guides/status-codes/ */
const MEANINGS: readonly (Meaning | undefined)[] = [
  undefined, // 0 OK
  'doubt', // 1 CANCELLED
  'doubt', // 2 UNKNOWN
  'permanent', // 3 INVALID_ARGUMENT
  'unanswered', // 4 DEADLINE_EXCEEDED
  'permanent', // 5 NOT_FOUND
  'permanent', // 6 ALREADY_EXISTS
  'permanent', // 7 PERMISSION_DENIED
  'limit', // 8 RESOURCE_EXHAUSTED
  'permanent', // 9 FAILED_PRECONDITION
  'retry', // 10 ABORTED
  'permanent', // 11 OUT_OF_RANGE
  'permanent', // 12 UNIMPLEMENTED
  'doubt', // 13 INTERNAL
  'unanswered', // 14 UNAVAILABLE
  'doubt', // 15 DATA_LOSS
  'halt', // 16 UNAUTHENTICATED
]

/** What `@grpc/grpc-js` reports with the same codes about its own failures. */
const TEXTS: readonly (readonly [codes: readonly number[], begins: RegExp, means: Meaning])[] = [
  // It gave up on a connection that it never had.
  [[14], /^(?:No connection established|Name resolution failed|Failed to connect)/i, 'unreachable'],
  // It sent nothing without the credentials, which it could not get.
  [[1, 2, 4, 13, 14], /^Getting metadata from plugin failed/, 'not-sent'],
  // It refused to send so much, or to read the answer to what it had sent.
  [[8], /^Attempted to send message with a size larger than/, 'permanent'],
  [[8], /^Received message (?:larger than|that decompresses)/, 'doubt'],
]

/**
 * A client's own error: `@grpc/grpc-js` has `details`, Connect has `rawMessage`. Elsewhere a small code may
 * mean anything.
 */
export const grpcStatus: ErrorRule = ({ error }) => {
  const code = property(error, 'code')
  const details = property(error, 'details')
  const text = typeof details === 'string' ? details : property(error, 'rawMessage')
  if (typeof code !== 'number' || typeof text !== 'string') return undefined
  if (code === 14 && isNotPassedOn(text)) return { means: 'unreachable' }
  const means = TEXTS.find(([of, begins]) => of.includes(code) && begins.test(text))?.[2] ?? MEANINGS[code]
  if (means === undefined) return undefined
  return { means, reason: `gRPC ${code}` }
}
