import { hash } from 'node:crypto'
import { DIGEST_BYTES } from './outcome-format.js'

/** The digest of a payload that could not be read; no payload has this one. */
export const NO_DIGEST = '\0'.repeat(DIGEST_BYTES)

/**
 * Distinguishes a repetition of a message from another message with the same id: `DIGEST_BYTES` bytes as a
 * latin1 string.
 */
export function digestOf(packedPayload: Uint8Array): string {
  return hash('sha256', packedPayload, 'binary').slice(0, DIGEST_BYTES)
}
