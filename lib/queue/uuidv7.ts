import { randomFillSync } from 'node:crypto'
import { wallNow } from '../log/real-time.js'

/**
 * UUIDv7 (RFC 9562, section 5.7, method 1 of 6.2): 48 bits of milliseconds, a counter of 12 bits that begins at a
 * random place in each millisecond, 62 random bits. The ids of one process rise strictly, also when the clock
 * goes back, so that they sort as they were made.
 */

const RANDOM_BYTES_EACH = 8 + 2
/** One call of the system's random source serves this many ids. */
const POOL_IDS = 512
const COUNTER_LIMIT = 0x1000
/** Half of the counter is left to count in. */
const COUNTER_START_MASK = 0x7ff

const pool = Buffer.alloc(RANDOM_BYTES_EACH * POOL_IDS)
let poolOffset = pool.length

let lastMs = 0
let counter = 0

const text = Buffer.alloc(36, '-')
const HEX = Buffer.from('0123456789abcdef')

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

  const high = Math.floor(lastMs / 0x10000)
  put(0, high >>> 24)
  put(2, high >>> 16)
  put(4, high >>> 8)
  put(6, high)
  put(9, (lastMs % 0x10000) >>> 8)
  put(11, lastMs % 0x10000)
  put(14, 0x70 | (counter >>> 8))
  put(16, counter)
  put(19, 0x80 | (pool[random]! & 0x3f))
  put(21, pool[random + 1]!)
  for (let index = 2; index < 8; index += 1) put(20 + 2 * index, pool[random + index]!)
  return text.toString('latin1')
}

function put(offset: number, byte: number): void {
  text[offset] = HEX[(byte >>> 4) & 0xf]!
  text[offset + 1] = HEX[byte & 0xf]!
}
