/**
 * The format of a segment: everything that its writer and reader share. `docs/format.md` explains it with a
 * worked example. All numbers are little-endian.
 *
 *     segment header, 64 bytes                       frame header, 28 bytes
 *     ┌────┬─────────────────────────────┐           ┌────┬──────────────────────────────────┐
 *     │  0 │ magic "WAQ-SEG\n"           │           │  0 │ header CRC    u32  (over 4..28)  │
 *     │  8 │ format version      u16     │           │  4 │ payload CRC   u32                │
 *     │ 10 │ log id              u8      │           │  8 │ payload length u32               │
 *     │ 11 │ zero                u8      │           │ 12 │ type          u8, never 0        │
 *     │ 12 │ zero                u32     │           │ 13 │ flags         u8                 │
 *     │ 16 │ epoch               u64     │           │ 14 │ zero          u16                │
 *     │ 24 │ ordinal             u64     │           │ 16 │ durable       u32                │
 *     │ 32 │ salt                8 bytes │           │ 20 │ sequence      u64                │
 *     │ 40 │ first sequence      u64     │           └────┴──────────────────────────────────┘
 *     │ 48 │ created, epoch ms   u64     │           followed by the payload; the next frame stands
 *     │ 56 │ zero                u32     │           right behind it, without padding.
 *     │ 60 │ CRC over 0..60      u32     │
 *     └────┴─────────────────────────────┘
 *
 * Both CRCs of a frame continue CRC(salt ‖ offset of the frame in its segment as u64), so zeros, stale bytes
 * of the disk block, another file's frames, and frames embedded in a payload do not validate.
 */

import { WaqError } from '../errors/waq-error.js'
import { crc32c, crc32cNumber, crc32cShort } from './crc32c.js'

export const FORMAT_VERSION = 2

const SEGMENT_MAGIC = Buffer.from('WAQ-SEG\n', 'latin1')
export const SALT_BYTES = 8
export const SEGMENT_HEADER_BYTES = 8 + 2 + 1 + 1 + 4 + 8 + 8 + SALT_BYTES + 8 + 8 + 4 + 4
export const FRAME_HEADER_BYTES = 4 + 4 + 4 + 1 + 1 + 2 + 4 + 8

/** "More of this atomic list follows." Clear in the last frame of a list, and in a list of one. */
export const FLAG_MORE = 0b1
const KNOWN_FLAGS = FLAG_MORE

/** `durable` and all offsets fit u32, with room for one list of the largest size behind a full segment. */
export const MAX_SEGMENT_BYTES = 0xffff_ffff
/** The longest payload: bounds what is allocated before a CRC is checked. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024 * 1024

export interface SegmentHeader {
  readonly logId: number
  readonly epoch: number
  readonly ordinal: number
  readonly salt: Buffer
  /**
   * The log's next sequence when the segment was made or, if it was made of others, that of its first frame.
   * Lower ones may follow: it orders segments if there is no manifest, and is no bound.
   */
  readonly firstSequence: number
  /** Epoch ms; informational only. */
  readonly createdAt: number
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  SEGMENT_MAGIC.copy(bytes, 0)
  bytes.writeUInt16LE(FORMAT_VERSION, 8)
  bytes.writeUInt8(header.logId, 10)
  writeUInt64(bytes, header.epoch, 16)
  writeUInt64(bytes, header.ordinal, 24)
  header.salt.copy(bytes, 32)
  writeUInt64(bytes, header.firstSequence, 40)
  writeUInt64(bytes, header.createdAt, 48)
  bytes.writeUInt32LE(crc32cShort(bytes, 0, 60, 0), 60)
  return bytes
}

/**
 * Reads a segment header; undefined if the bytes are not one. The first 64 bytes and their CRC keep their
 * place in every version, so another version is reported as such and never as corruption.
 */
export function decodeSegmentHeader(bytes: Buffer, file: string): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined
  if (bytes.compare(SEGMENT_MAGIC, 0, 8, 0, 8) !== 0) return undefined
  if (bytes.readUInt32LE(60) !== crc32cShort(bytes, 0, 60, 0)) return undefined
  refuseUnknownVersion(bytes.readUInt16LE(8), file)
  return {
    logId: bytes.readUInt8(10),
    epoch: readUInt64(bytes, 16),
    ordinal: readUInt64(bytes, 24),
    salt: Buffer.from(bytes.subarray(32, 40)),
    firstSequence: readUInt64(bytes, 40),
    createdAt: readUInt64(bytes, 48),
  }
}

export function refuseUnknownVersion(version: number, file: string): void {
  if (version === FORMAT_VERSION) return
  const advice =
    version < FORMAT_VERSION
      ? 'An earlier waq wrote it, and nothing is migrated: send what is in there with that waq, or begin ' +
        'with an empty directory.'
      : 'A newer waq wrote it: use that one, or a newer one.'
  throw new WaqError(
    'WAQ_UNSUPPORTED_VERSION',
    `${file} has format version ${version}; this waq reads version ${FORMAT_VERSION} alone. ${advice}`,
  )
}

/** The CRC state that both CRCs of a segment's frames start from. */
export function saltState(salt: Buffer): number {
  return crc32cShort(salt, 0, SALT_BYTES, 0)
}

/**
 * Fills in the header of a frame whose payload already stands behind it in `buffer`, and returns the frame's
 * end. `payloadBytes` (the payload) and `view` (of all of `buffer`): if the caller has them.
 */
export function sealFrame(
  buffer: Buffer,
  at: number,
  payloadLength: number,
  type: number,
  flags: number,
  durable: number,
  sequence: number,
  salted: number,
  offset: number,
  payloadBytes?: Buffer,
  view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length),
): number {
  const payload = at + FRAME_HEADER_BYTES
  const end = payload + payloadLength
  const placed = crc32cNumber(offset, salted)
  view.setUint32(at + 4, crc32c(payloadBytes ?? buffer.subarray(payload, end), placed), true)
  view.setUint32(at + 8, payloadLength, true)
  // Type, flags and two zero bytes.
  view.setUint32(at + 12, type | (flags << 8), true)
  view.setUint32(at + 16, durable, true)
  view.setUint32(at + 20, sequence, true)
  view.setUint32(at + 24, Math.floor(sequence / 0x1_0000_0000), true)
  view.setUint32(at, crc32cShort(buffer, at + 4, payload, placed), true)
  return end
}

/** A frame header with a valid CRC and valid bounds. Its payload is not checked yet. */
export interface FrameHeader {
  readonly payloadCrc: number
  readonly payloadLength: number
  readonly type: number
  readonly flags: number
  readonly durable: number
  readonly sequence: number
}

/**
 * Reads the frame header at `at` in `buffer` (28 bytes must be there), at `offset` in its segment; undefined
 * if it is none. `room`: the segment's bytes from `offset` on. Bounds are checked first: that is cheap, and
 * garbage seldom passes.
 */
export function readFrameHeader(
  buffer: Buffer,
  at: number,
  salted: number,
  offset: number,
  room: number,
): FrameHeader | undefined {
  const type = buffer[at + 12]!
  const flags = buffer[at + 13]!
  if (type === 0 || (flags & ~KNOWN_FLAGS) !== 0 || buffer[at + 14] !== 0 || buffer[at + 15] !== 0)
    return undefined
  const payloadLength = readUInt32(buffer, at + 8)
  if (payloadLength > room - FRAME_HEADER_BYTES || payloadLength > MAX_PAYLOAD_BYTES) return undefined
  const durable = readUInt32(buffer, at + 16)
  if (durable > offset) return undefined
  if (readUInt32(buffer, at + 24) > 0x1f_ffff) return undefined // a sequence above 2^53 - 1
  const expected = crc32cShort(buffer, at + 4, at + FRAME_HEADER_BYTES, crc32cNumber(offset, salted))
  if (readUInt32(buffer, at) !== expected) return undefined
  return {
    payloadCrc: readUInt32(buffer, at + 4),
    payloadLength,
    type,
    flags,
    durable,
    sequence: readUInt64(buffer, at + 20),
  }
}

export function payloadIsIntact(
  payload: Buffer,
  header: FrameHeader,
  salted: number,
  offset: number,
): boolean {
  return crc32c(payload, crc32cNumber(offset, salted)) === header.payloadCrc
}

/** Writes a number from 0 to 2^53 - 1. */
export function writeUInt64(buffer: Buffer, value: number, at: number): void {
  buffer.writeUInt32LE(value % 0x1_0000_0000, at)
  buffer.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4)
}

/** Without the checks of `readUInt32LE`. */
function readUInt32(buffer: Buffer, at: number): number {
  return (buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24)) >>> 0
}

export function readUInt64(buffer: Buffer, at: number): number {
  return readUInt32(buffer, at) + readUInt32(buffer, at + 4) * 0x1_0000_0000
}
