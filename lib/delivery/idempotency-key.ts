import { createHash } from 'node:crypto'

/** This many characters hold the whole digest. */
const DIGEST_LENGTH = 43
/** Fewer would let two messages share a key: 12 characters are 72 bits. */
const MIN_LENGTH = 12

/**
 * A key for receivers that detect duplicates by one: always the same for the same id, different for different
 * ids, made of `A–Z a–z 0–9 - _` only. Discord's `nonce` takes 25 characters.
 *
 * @param id the message's id (`delivery.id`)
 * @param maxLength how many characters the receiver takes, from 12 up; at most 43 are used. Default 43.
 * @throws TypeError if `id` is empty or no string, RangeError if `maxLength` is no whole number from 12 up
 */
export function idempotencyKey(id: string, maxLength: number = DIGEST_LENGTH): string {
  if (typeof id !== 'string' || id === '')
    throw new TypeError(`idempotencyKey needs the id of a message, got ${id === '' ? "''" : typeof id}.`)
  if (!Number.isInteger(maxLength) || maxLength < MIN_LENGTH) {
    throw new RangeError(
      `idempotencyKey: maxLength must be a whole number from ${MIN_LENGTH} up, got ${String(maxLength)}. ` +
        'A shorter key would not tell messages apart.',
    )
  }
  return createHash('sha256').update(id, 'utf8').digest('base64url').slice(0, maxLength)
}
