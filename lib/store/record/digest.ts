import { hash } from 'node:crypto'
import { DIGEST_BYTES } from './outcome-format.js'

/** No payload has this one; it stands where a payload could not be read. */
export const NO_DIGEST = '\0'.repeat(DIGEST_BYTES)

/**
 * Tells a repetition of a message from another message under the same id: `DIGEST_BYTES` bytes as a latin1
 * string.
 */
export function digestOf(packedPayload: Uint8Array): string {
  return hash('sha256', packedPayload, 'binary').slice(0, DIGEST_BYTES)
}
