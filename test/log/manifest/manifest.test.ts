import { Packr } from 'msgpackr'
import t from 'tap'
import { crc32c } from '../../../lib/log/format/crc32c.js'
import { FORMAT_VERSION } from '../../../lib/log/format/format.js'
import { decodeManifest, encodeManifest, type Manifest } from '../../../lib/log/manifest/manifest.js'

const SALT = Buffer.from('0102030405060708', 'hex')
const IDENTITY = '00112233445566778899aabbccddeeff'
const MANIFEST: Manifest = {
  identity: IDENTITY,
  epoch: 3,
  ordinal: 9,
  bootId: 'b2c1',
  logs: [
    {
      name: 'messages',
      nextSequence: 100,
      lowWater: 7,
      tailInDoubt: false,
      durability: 'fsync',
      segments: [
        {
          epoch: 2,
          ordinal: 4,
          token: 'a'.repeat(16),
          salt: SALT,
          firstSequence: 1,
          lastSequence: 50,
          length: 4096,
          compacted: true,
        },
        {
          epoch: 3,
          ordinal: 2,
          token: 'b'.repeat(16),
          salt: SALT,
          firstSequence: 51,
          lastSequence: 50,
          length: undefined,
          compacted: false,
        },
      ],
    },
    {
      name: 'acks',
      nextSequence: 1,
      lowWater: 0,
      tailInDoubt: false,
      durability: { syncEveryMs: 1000 },
      segments: [],
    },
    { name: 'records', nextSequence: 1, lowWater: 0, tailInDoubt: false, durability: 'os', segments: [] },
  ],
  corrupt: [
    {
      log: 'messages',
      file: 'messages/a.seg',
      offset: 64,
      length: 30,
      firstMissing: 5,
      lastMissing: 6,
      nextSequences: { messages: 100, acks: 1 },
      known: true,
    },
    { log: 'acks', file: 'acks/b.seg', offset: 0, length: 64, nextSequences: {}, known: true },
  ],
}

const packr = new Packr({ useRecords: false, variableMapSize: true, copyBuffers: true, moreTypes: true })

/** A copy with a right CRC around any body. */
function copyOf(body: unknown, version = FORMAT_VERSION): Buffer {
  const packed = packr.pack(body)
  const bytes = Buffer.alloc(Math.ceil((20 + packed.length) / 4096) * 4096)
  bytes.write('WAQ-MAN\n', 0, 'latin1')
  bytes.writeUInt16LE(version, 8)
  bytes.writeUInt32LE(packed.length, 12)
  packed.copy(bytes, 20)
  bytes.writeUInt32LE(crc32c(packed, crc32c(bytes.subarray(0, 16), 0)), 16)
  return bytes
}

t.test('a manifest is decoded as it was encoded, known damage included', async t => {
  const bytes = encodeManifest(MANIFEST)
  t.equal(bytes.length, 8192)
  t.same(decodeManifest(bytes, 'x'), MANIFEST)
})

t.test('a manifest is encoded as specified, byte for byte, and written twice', async t => {
  const bytes = encodeManifest({
    identity: IDENTITY,
    epoch: 3,
    ordinal: 9,
    bootId: null,
    logs: [],
    corrupt: [],
  })
  t.equal(
    bytes.subarray(0, 44).toString('hex'),
    `5741512d4d414e0a0200000018000000927abea296c410${IDENTITY}0309c09090`,
  )
  t.ok(bytes.subarray(44, 4096).every(byte => byte === 0))
  t.ok(bytes.subarray(0, 4096).equals(bytes.subarray(4096)))
})

t.test('a manifest with one damaged copy is read, wherever the damage is', async t => {
  const bytes = encodeManifest(MANIFEST)
  const used = 20 + bytes.readUInt32LE(12)
  for (const copy of [0, 4096]) {
    for (let byte = 0; byte < used; byte++) {
      bytes[copy + byte]! ^= 1 << (byte & 7)
      if (decodeManifest(bytes, 'x') === undefined) t.fail(`byte ${copy + byte}`)
      bytes[copy + byte]! ^= 1 << (byte & 7)
    }
  }
  t.same(decodeManifest(bytes, 'x'), MANIFEST)
})

t.test('a manifest with both copies damaged is invalid', async t => {
  const bytes = encodeManifest(MANIFEST)
  for (const at of [0, 9, 13, 17, 30]) {
    const damaged = Buffer.from(bytes)
    damaged[at]! ^= 1
    damaged[4096 + at]! ^= 1
    t.equal(decodeManifest(damaged, 'x'), undefined, `byte ${at}`)
  }
  t.equal(decodeManifest(Buffer.alloc(0), 'x'), undefined)
  t.equal(decodeManifest(Buffer.alloc(8192), 'x'), undefined)
  for (let length = 0; length < 4096; length += 17) {
    if (length < 20 + bytes.readUInt32LE(12) && decodeManifest(bytes.subarray(0, length), 'x') !== undefined)
      t.fail(`cut at ${length}`)
  }
})

t.test('a manifest larger than a block is written twice as well', async t => {
  const segments = Array.from({ length: 500 }, (_, i) => ({ ...MANIFEST.logs[0]!.segments[0]!, ordinal: i }))
  const large = { ...MANIFEST, logs: [{ ...MANIFEST.logs[0]!, segments }] }
  const bytes = encodeManifest(large)
  t.ok(bytes.length > 8192)
  bytes.fill(0xee, 0, bytes.length / 2)
  t.same(decodeManifest(bytes, 'x'), large)
})

t.test('a manifest of another format version is refused by file and version', async t => {
  for (const version of [1, 3]) {
    const copy = copyOf([3, 9, null, [], []], version)
    t.throws(() => decodeManifest(Buffer.concat([copy, copy]), 'manifests/m'), {
      code: 'WAQ_UNSUPPORTED_VERSION',
      message: new RegExp(`manifests/m has format version ${version}`),
    })
  }
})

t.test('a manifest with a body of a wrong shape is invalid and throws nothing', async t => {
  const log = ['messages', 1, 0, 0, false, []]
  const me = Buffer.from(IDENTITY, 'hex')
  const token = Buffer.alloc(8)
  const salt = Buffer.alloc(8)
  const segment = (...fields: unknown[]) => [me, 1, 2, null, [[...log.slice(0, 5), [fields]]], []]
  const bodies: unknown[] = [
    null,
    {},
    [],
    [me, 1, 2],
    [1, 2, null, [], []],
    [me.subarray(1), 1, 2, null, [], []],
    [IDENTITY, 1, 2, null, [], []],
    [me, -1, 2, null, [], []],
    [me, 1.5, 2, null, [], []],
    [me, 2 ** 53, 2, null, [], []],
    [me, '1', 2, null, [], []],
    [me, 1, 2, 7, [], []],
    [me, 1, 2, null, [['messages', 1, 0, 0, false]], []],
    [me, 1, 2, null, [[7, 1, 0, 0, false, []]], []],
    [me, 1, 2, null, [['messages', 1, 0, 'fsync', false, []]], []],
    [me, 1, 2, null, [['messages', 1, 0, 0, 0, []]], []],
    segment(1, 1, token, Buffer.alloc(7), 1, 1, null, false),
    segment(1, 1, Buffer.alloc(7), salt, 1, 1, null, false),
    segment(1, 1, 'aaaaaaaa', salt, 1, 1, null, false),
    segment(1, 1, token, salt, 1, 1, 'all', false),
    segment(1, 1, token, salt, 1, 1, null),
    [me, 1, 2, null, [log], [['messages', 'f', 1, 1, null, null, null]]],
  ]
  const right = copyOf(segment(1, 1, token, salt, 1, 1, null, false))
  t.ok(decodeManifest(Buffer.concat([right, right]), 'x'), 'the forger works')
  for (const body of bodies) {
    const copy = copyOf(body)
    t.equal(decodeManifest(Buffer.concat([copy, copy]), 'x'), undefined, JSON.stringify(body))
  }
})
