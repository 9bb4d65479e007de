import t from 'tap'
import { crc32c, crc32cNumber, crc32cShort, preferNativeCrc } from '../../../lib/log/format/crc32c.js'
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  FLAG_MORE,
  FRAME_HEADER_BYTES,
  MAX_PAYLOAD_BYTES,
  payloadIsIntact,
  readFrameHeader,
  readUInt64,
  SEGMENT_HEADER_BYTES,
  saltState,
  sealFrame,
  writeUInt64,
} from '../../../lib/log/format/format.js'

const SALT = Buffer.from('0102030405060708', 'hex')
const SALTED = saltState(SALT)
const HEADER = {
  logId: 1,
  epoch: 3,
  ordinal: 17,
  salt: SALT,
  firstSequence: 1234,
  createdAt: 1_700_000_000_000,
}

/** One frame with the payload `hello`, as it stands at `offset` of its segment. */
function frame(offset: number, { payload = 'hello', type = 7, flags = 0, durable = 64, sequence = 5 } = {}) {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + payload.length)
  bytes.write(payload, FRAME_HEADER_BYTES, 'latin1')
  const end = sealFrame(bytes, 0, payload.length, type, flags, durable, sequence, SALTED, offset)
  return { bytes, end }
}

function read(bytes: Buffer, offset: number, salted = SALTED, room = bytes.length) {
  return readFrameHeader(bytes, 0, salted, offset, room)
}

/** The frame's header with one field changed and its own CRC made right again. */
function forged(offset: number, change: (bytes: Buffer) => void): Buffer {
  const { bytes } = frame(offset)
  change(bytes)
  bytes.writeUInt32LE(crc32cShort(bytes, 4, FRAME_HEADER_BYTES, crc32cNumber(offset, SALTED)), 0)
  return bytes
}

t.test('the checksum is CRC32C, in JavaScript and in the native addon', async t => {
  const check = Buffer.from('123456789')
  const inJavaScript = crc32c
  t.equal(inJavaScript(check, 0), 0xe3069283, 'the check value of the standard')
  await preferNativeCrc()
  t.equal(crc32c(check, 0), 0xe3069283, 'also of the native one, where it is')
  t.equal(crc32cShort(check, 0, 9, 0), 0xe3069283)
  t.equal(crc32cShort(check, 4, 9, crc32c(check.subarray(0, 4), 0)), 0xe3069283, 'it continues')
  for (const number of [0, 1, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER]) {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt(number))
    t.equal(crc32cNumber(number, 77), crc32c(bytes, 77), `of the number ${number}`)
  }
})

t.test('integers up to 2^53 - 1 are read as they were written', async t => {
  const bytes = Buffer.alloc(8)
  for (const value of [0, 1, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER]) {
    writeUInt64(bytes, value, 0)
    t.equal(bytes.readBigUInt64LE(), BigInt(value))
    t.equal(readUInt64(bytes, 0), value)
  }
})

t.test('a segment header is encoded as specified, byte for byte', async t => {
  const bytes = encodeSegmentHeader(HEADER)
  t.equal(bytes.length, SEGMENT_HEADER_BYTES)
  t.equal(SEGMENT_HEADER_BYTES, 64)
  t.equal(
    bytes.toString('hex'),
    '5741512d5345470a' + // WAQ-SEG\n
      '0200' + // version
      '01' + // log
      '00' +
      '00000000' +
      '0300000000000000' +
      '1100000000000000' +
      '0102030405060708' +
      'd204000000000000' +
      '0068e5cf8b010000' +
      '00000000' +
      '3e36cf62',
  )
  t.same(decodeSegmentHeader(bytes, 'x'), HEADER)
})

t.test('a segment header with any bit flipped is invalid', async t => {
  const bytes = encodeSegmentHeader(HEADER)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    if (decodeSegmentHeader(bytes, 'x') !== undefined) t.fail(`bit ${bit}`)
    bytes[bit >> 3]! ^= 1 << (bit & 7)
  }
  t.ok(decodeSegmentHeader(bytes, 'x'))
  t.equal(decodeSegmentHeader(bytes.subarray(0, 63), 'x'), undefined, 'nor is a short one')
  t.equal(decodeSegmentHeader(Buffer.alloc(64), 'x'), undefined, 'nor are zeros')
})

t.test('a segment of another format version is refused by name', async t => {
  const advice: Record<number, RegExp> = {
    1: /version 1; .* An earlier waq wrote it, and nothing is migrated/,
    3: /version 3; .* A newer waq wrote it/,
  }
  for (const [version, message] of Object.entries(advice)) {
    const bytes = encodeSegmentHeader(HEADER)
    bytes.writeUInt16LE(Number(version), 8)
    bytes.writeUInt32LE(crc32cShort(bytes, 0, 60, 0), 60)
    const error = t.throws(() => decodeSegmentHeader(bytes, 'messages/x.seg'), {
      code: 'WAQ_UNSUPPORTED_VERSION',
      message: /^messages\/x\.seg has format version \d; this waq reads version 2 alone/,
    })
    t.match(error, { message })
  }
})

t.test('a frame is encoded as specified, byte for byte', async t => {
  const { bytes, end } = frame(64, { durable: 64, sequence: 5, flags: FLAG_MORE })
  t.equal(end, bytes.length)
  t.equal(
    bytes.toString('hex'),
    'a6df8c63' +
      '17394017' +
      '05000000' + // length
      '07' + // type
      '01' + // more of this list follows
      '0000' +
      '40000000' + // durable
      '0500000000000000' + // sequence
      '68656c6c6f',
  )
  const header = read(bytes, 64)!
  t.match(header, { payloadLength: 5, type: 7, flags: FLAG_MORE, durable: 64, sequence: 5 })
  t.ok(payloadIsIntact(bytes.subarray(FRAME_HEADER_BYTES), header, SALTED, 64))
})

t.test('a frame with any bit flipped is invalid', async t => {
  const { bytes } = frame(64)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    const header = read(bytes, 64)
    const intact = header && payloadIsIntact(bytes.subarray(FRAME_HEADER_BYTES), header, SALTED, 64)
    if (intact) t.fail(`bit ${bit}`)
    if (bit < FRAME_HEADER_BYTES * 8 && header !== undefined) t.fail(`the header with bit ${bit} flipped`)
    bytes[bit >> 3]! ^= 1 << (bit & 7)
  }
  t.ok(read(bytes, 64))
})

t.test('a frame is valid only at its own offset of its own segment', async t => {
  const { bytes } = frame(128)
  t.ok(read(bytes, 128))
  t.equal(read(bytes, 129), undefined, 'another offset')
  t.equal(read(bytes, 128 + 0x1_0000_0000), undefined, 'an offset equal in its low 32 bits')
  t.equal(read(bytes, 128, saltState(Buffer.from('0102030405060709', 'hex'))), undefined, 'another salt')
  const header = read(bytes, 128)!
  t.notOk(payloadIsIntact(bytes.subarray(FRAME_HEADER_BYTES), header, SALTED, 129), 'nor does its payload')
})

t.test('a frame header with a field out of bounds is refused though its CRC is right', async t => {
  const limits: [string, (bytes: Buffer) => void][] = [
    ['type 0', bytes => bytes.writeUInt8(0, 12)],
    ['an unknown flag', bytes => bytes.writeUInt8(2, 13)],
    ['a byte that must be zero', bytes => bytes.writeUInt8(1, 14)],
    ['the other one', bytes => bytes.writeUInt8(1, 15)],
    ['a payload longer than the segment has room', bytes => bytes.writeUInt32LE(6, 8)],
    ['more durable than there is before it', bytes => bytes.writeUInt32LE(65, 16)],
    ['a sequence of 2^53', bytes => bytes.writeUInt32LE(0x20_0000, 24)],
  ]
  t.ok(
    read(
      forged(64, () => {}),
      64,
    ),
    'the forger works',
  )
  for (const [what, change] of limits) t.equal(read(forged(64, change), 64), undefined, what)
  t.ok(
    read(
      forged(64, bytes => bytes.writeUInt32LE(64, 16)),
      64,
    ),
    'durable up to the frame itself',
  )
  t.ok(
    read(
      forged(64, bytes => writeUInt64(bytes, Number.MAX_SAFE_INTEGER, 20)),
      64,
    ),
    'the last sequence',
  )
  const long = forged(64, bytes => bytes.writeUInt32LE(MAX_PAYLOAD_BYTES + 1, 8))
  t.equal(read(long, 64, SALTED, 0xffff_ffff), undefined, 'a payload above the limit, whatever the room')
})
