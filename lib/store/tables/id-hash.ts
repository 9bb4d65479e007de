import { randomInt } from 'node:crypto'

/**
 * A 64-bit hash of an id, as two unsigned numbers of 32 bits. Only in memory, and seeded anew in every
 * process, so that no one can choose ids that collide. A hit is always verified against the id on disk.
 */
export interface IdHash {
  low: number
  high: number
}

const seedLow = randomInt(0x1_0000_0000)
const seedHigh = randomInt(0x1_0000_0000)

/**
 * The two multiplicative lanes of cyrb53, kept whole, over two UTF-16 code units at a time, then the length.
 */
export function hashId(id: string): IdHash {
  const even = id.length & ~1
  let low = seedLow ^ 0xdeadbeef
  let high = seedHigh ^ 0x41c6ce57
  for (let i = 0; i < even; i += 2) {
    const units = id.charCodeAt(i) | (id.charCodeAt(i + 1) << 16)
    low = Math.imul(low ^ units, 2654435761)
    high = Math.imul(high ^ units, 1597334677)
  }
  const last = even < id.length ? id.charCodeAt(even) : 0
  return mix(low, high, last, id.length, { low: 0, high: 0 })
}

/** As `hashId` of the text that these bytes are in UTF-8, into `hash`; false if they are not all ASCII. */
export function hashAsciiId(bytes: Uint8Array, start: number, end: number, hash: IdHash): boolean {
  const length = end - start
  const even = start + (length & ~1)
  let low = seedLow ^ 0xdeadbeef
  let high = seedHigh ^ 0x41c6ce57
  let seen = 0
  for (let i = start; i < even; i += 2) {
    const units = bytes[i]! | (bytes[i + 1]! << 16)
    seen |= units
    low = Math.imul(low ^ units, 2654435761)
    high = Math.imul(high ^ units, 1597334677)
  }
  const last = even < end ? bytes[even]! : 0
  if (((seen | last) & 0x80_0080) !== 0) return false
  mix(low, high, last, length, hash)
  return true
}

function mix(laneLow: number, laneHigh: number, last: number, length: number, hash: IdHash): IdHash {
  const rest = last | (length << 16)
  let low = Math.imul(laneLow ^ rest, 2654435761)
  let high = Math.imul(laneHigh ^ rest, 1597334677)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  hash.low = low >>> 0
  hash.high = high >>> 0
  return hash
}

/** Spreads a sequence over 32 bits: neighbours in the log must not be neighbours in a table. */
export function hashSequence(sequence: number): number {
  let hash = (sequence >>> 0) ^ Math.imul(Math.floor(sequence / 0x1_0000_0000), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
  return (hash ^ (hash >>> 16)) >>> 0
}
