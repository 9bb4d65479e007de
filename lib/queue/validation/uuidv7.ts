import { randomFillSync } from 'node:crypto'
import { wallNow } from '../../log/runtime/real-time.js'

/**
 * UUIDv7 (RFC 9562, section 5.7, method 1 of 6.2): 48 bits of milliseconds, a 12-bit counter that starts at a
 * random value in each millisecond, 62 random bits. The ids of one process rise strictly, even if the clock
 * goes back, so they sort in the order of their creation.
 */

const RANDOM_BYTES_EACH = 8 + 2
/** One call of the system's random source serves this many ids. */
const POOL_IDS = 512
const COUNTER_LIMIT = 0x1000
/** The start is in the lower half of the counter: the upper half is left to count in. */
const COUNTER_START_MASK = 0x7ff

const pool = Buffer.alloc(RANDOM_BYTES_EACH * POOL_IDS)
let poolOffset = pool.length

let lastMs = 0
let counter = 0

const bytes = Buffer.alloc(16)
const text = Buffer.alloc(36, '-')
const HEX = Buffer.from('0123456789abcdef')
/** The offset of each byte's two digits in the text. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]

export function uuidv7(nowMs: number = wallNow()): string {
  if (poolOffset === pool.length) {
    randomFillSync(pool)
    poolOffset = 0
  }
  const random = poolOffset
  poolOffset += RANDOM_BYTES_EACH

  if (nowMs > lastMs) {
    lastMs = nowMs
    counter = pool.readUInt16LE(random + 8) & COUNTER_START_MASK
  } else {
    counter += 1
    if (counter === COUNTER_LIMIT) {
      // More than 2,048 ids in one millisecond: borrow from the next one.
      lastMs += 1
      counter = pool.readUInt16LE(random + 8) & COUNTER_START_MASK
    }
  }

  bytes.writeUIntBE(lastMs, 0, 6)
  bytes[6] = 0x70 | (counter >>> 8)
  bytes[7] = counter
  for (let index = 0; index < 8; index += 1) bytes[8 + index] = pool[random + index]!
  bytes[8] = 0x80 | (bytes[8]! & 0x3f)
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index]!
    const at = PLACES[index]!
    text[at] = HEX[byte >>> 4]!
    text[at + 1] = HEX[byte & 0xf]!
  }
  return text.toString('latin1')
}
