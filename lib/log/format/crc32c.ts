import inJavaScript from 'fast-crc32c/impls/js_crc32c.js'

interface Implementation {
  calculate(bytes: Buffer, initial: number): number
}

/** Which implementation computes checksums here: JavaScript until `preferNativeCrc` found the native one. */
export let crcImplementation: 'native' | 'js' = 'js'

/**
 * The native implementation saves 4 ns a byte and takes 10 ms to load. Below this many bytes it does not pay,
 * and many bots check no more between two restarts.
 */
const WORTH_LOADING_BYTES = 1024 * 1024
let bytesUntilWorth = WORTH_LOADING_BYTES

/** CRC32C (Castagnoli) of `bytes`; `initial` is the CRC of the bytes before them, 0 if there are none. */
export let crc32c: (bytes: Buffer, initial: number) => number = (bytes, initial) => {
  bytesUntilWorth -= bytes.length
  if (bytesUntilWorth < 0) void preferNativeCrc()
  return inJavaScript.calculate(bytes, initial)
}

let looked: Promise<void> | undefined
/**
 * Resolves when the search for it is over; undefined: over, or not begun. A caller with much to check should
 * wait.
 */
export let loadingNativeCrc: Promise<void> | undefined

/**
 * Switches to the native implementation if it is installed: same checksums, only faster. Looks once, and
 * never rejects.
 */
export function preferNativeCrc(): Promise<void> {
  if (looked === undefined) {
    crc32c = inJavaScript.calculate
    looked = lookForNative()
    loadingNativeCrc = looked.finally(() => {
      loadingNativeCrc = undefined
    })
  }
  return looked
}

// An addon cannot be bundled, so bundlers must not see its name, not even as a constant: they fold those.
const NATIVE = ['fast-crc32c', 'impls', 'sse4_crc32c.js'].join('/')
const SAMPLE = 'The quick brown fox jumps over the lazy dog'
const CRC_OF_SAMPLE = 0x22620404

async function lookForNative(): Promise<void> {
  // The addon (SSE 4.2) builds only on x86; elsewhere even loading it can kill the process.
  if (process.arch !== 'x64' && process.arch !== 'ia32') return
  try {
    const { default: native } = (await import(/* webpackIgnore: true */ /* @vite-ignore */ NATIVE)) as {
      default: Implementation
    }
    if (native.calculate(Buffer.from(SAMPLE), 0) !== CRC_OF_SAMPLE) return
    crc32c = native.calculate
    crcImplementation = 'native'
  } catch {
    // Install scripts were blocked, a bundle stands alone, or the host cannot import at run time (Jest).
  }
}

/**
 * Four tables of 256 in a row: table n is for a byte with n bytes after it, so that one step takes four
 * bytes.
 */
const TABLES = new Int32Array(4 * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  TABLES[byte] = crc
}
for (let at = 256; at < TABLES.length; at++) {
  const before = TABLES[at - 256]!
  TABLES[at] = TABLES[before & 0xff]! ^ (before >>> 8)
}

/**
 * The same checksum for a few bytes in the middle of a buffer. A frame header has 24 of them, and for those a
 * loop beats the slice and the call into C++ that `crc32c` would need.
 */
export function crc32cShort(buffer: Buffer, start: number, end: number, initial: number): number {
  let crc = ~initial
  let at = start
  for (; at + 4 <= end; at += 4) {
    crc ^= buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24)
    crc =
      TABLES[768 + (crc & 0xff)]! ^
      TABLES[512 + ((crc >>> 8) & 0xff)]! ^
      TABLES[256 + ((crc >>> 16) & 0xff)]! ^
      TABLES[crc >>> 24]!
  }
  for (; at < end; at++) crc = TABLES[(crc ^ buffer[at]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

const NUMBER = Buffer.alloc(8)
const NUMBER_VIEW = new DataView(NUMBER.buffer, NUMBER.byteOffset, NUMBER.length)

/** The checksum of an unsigned 64-bit little-endian number, continuing `initial`. */
export function crc32cNumber(number: number, initial: number): number {
  NUMBER_VIEW.setUint32(0, number, true)
  NUMBER_VIEW.setUint32(4, Math.floor(number / 0x1_0000_0000), true)
  return crc32cShort(NUMBER, 0, 8, initial)
}
