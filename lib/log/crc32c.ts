import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

interface Implementation {
  calculate(bytes: Buffer, initial: number): number
}

// The native part of fast-crc32c (SSE 4.2) builds only on x86; elsewhere even loading it can kill the process.
// Where install scripts are blocked its loader falls back to JavaScript by itself: same checksums, slower.
const onX86 = process.arch === 'x64' || process.arch === 'ia32'
const inJavaScript = require('fast-crc32c/impls/js_crc32c') as Implementation
const chosen = onX86 ? (require('fast-crc32c') as Implementation) : inJavaScript

/** Which implementation computes checksums here. */
export const crcImplementation: 'native' | 'js' = chosen === inJavaScript ? 'js' : 'native'

/** CRC32C (Castagnoli) of `bytes`; `initial` is the CRC of what stands before them, 0 where nothing does. */
export const crc32c: (bytes: Buffer, initial: number) => number = chosen.calculate

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

/**
 * The same checksum for a few bytes in the middle of a buffer. A frame header has 24 of them, and for those a
 * loop beats the slice and the call into C++ that `crc32c` would need.
 */
export function crc32cShort(buffer: Buffer, start: number, end: number, initial: number): number {
  let crc = ~initial
  for (let i = start; i < end; i++) crc = TABLE[(crc ^ buffer[i]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

/** The checksum of an unsigned 64-bit little-endian number, continuing `initial`. */
export function crc32cNumber(number: number, initial: number): number {
  let crc = ~initial
  const low = number >>> 0
  const high = Math.floor(number / 0x1_0000_0000)
  for (let shift = 0; shift < 32; shift += 8) crc = TABLE[(crc ^ (low >>> shift)) & 0xff]! ^ (crc >>> 8)
  for (let shift = 0; shift < 32; shift += 8) crc = TABLE[(crc ^ (high >>> shift)) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}
