import fc from 'fast-check'
import { Packr } from 'msgpackr'
import t from 'tap'
import { EnvelopeScan } from '../../../lib/store/record/envelope-scan.js'
import { decodeEnvelope, encodeMessage, placeInList } from '../../../lib/store/record/message.js'
import { identityOfEncoded } from '../../../lib/store/record/message-identity.js'
import { hashId } from '../../../lib/store/tables/id-hash.js'
import { message, NOW } from '../fixtures/messages.js'

function scanned(record: Uint8Array): unknown {
  const scan = new EnvelopeScan()
  // Nothing of the record before it may be left.
  scan.read(Buffer.from(message({ id: 'another', channel: 'elsewhere', priority: 5 }).record), 1)
  scan.read(Buffer.from(record), 2)
  const { hashLow: low, hashHigh: high, channel, enqueuedAt, deliverAt, expiresAt, together, priority } = scan
  return { hash: { low, high }, channel, enqueuedAt, deliverAt, expiresAt, together, priority }
}

function decoded(record: Uint8Array): unknown {
  const { id, channel, enqueuedAt, deliverAt, expiresAt, together, priority } = decodeEnvelope(record, 'it')
  return { hash: hashId(id), channel, enqueuedAt, deliverAt, expiresAt, together, priority }
}

t.test('a scan of an envelope yields the same as decoding it in full', async t => {
  const text = fc.oneof(
    fc.string({ minLength: 1, maxLength: 300 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  )
  const time = fc.oneof(
    fc.constant(0),
    fc.constant(Number.POSITIVE_INFINITY),
    fc.nat(),
    fc.constant(NOW + 0.5),
  )
  const property = fc.property(
    text,
    text,
    time,
    time,
    time,
    fc.dictionary(fc.string(), fc.string({ maxLength: 40 }), { maxKeys: 40 }),
    fc.uint8Array({ maxLength: 70_000 }),
    fc.boolean(),
    fc.option(fc.integer({ min: -8, max: 7 }), { nil: undefined }),
    (id, channel, enqueuedAt, deliverAt, expiresAt, headers, payload, together, priority) => {
      const encoded = encodeMessage({
        id,
        idGiven: true,
        channel,
        payload,
        headers,
        enqueuedAt,
        deliverAt,
        expiresAt,
        priority,
        together,
      })
      if (together) placeInList(encoded, 3, 70_000)
      const [one, other] = [scanned(encoded.record), decoded(encoded.record)]
      t.strictSame(one, other)
      t.match(one, { priority })
      const identity = new EnvelopeScan().identity(Buffer.from(encoded.record), 'it')
      t.strictSame(identity, identityOfEncoded(encoded))
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 200 }))
})

t.test('a scan reads an envelope in another valid MessagePack encoding', async t => {
  const packr = new Packr({ useRecords: false, variableMapSize: true, useFloat32: 4 })
  const record = packr.pack([null, 'id', 'channel', 5, 70_000, 2 ** 40, {}, Buffer.from('x')])
  t.strictSame(scanned(record), decoded(record))
})

t.test('a scan refuses a record that is no envelope, naming its sequence', async t => {
  const packr = new Packr({ useRecords: false })
  const broken = [
    [null, '', 'channel', 1, 0, 1, {}, Buffer.alloc(1)],
    [null, 'id', 7, 1, 0, 1, {}, Buffer.alloc(1)],
    [null, 'id', 'channel', -1, 0, 1, {}, Buffer.alloc(1)],
    [null, 'id', 'channel', 1, 0, 1, { key: 1 }, Buffer.alloc(1)],
    [null, 'id', 'channel', 1, 0, 1, {}, 'text'],
    [[3, 2], 'id', 'channel', 1, 0, 1, {}, Buffer.alloc(1)],
    [null, 'id', 'channel', 1, 0, 1, {}, Buffer.alloc(1), new Map([[1, 8]])],
    [null, 'id', 'channel', 1, 0, 1, {}, Buffer.alloc(1), new Map([[1, 'high']])],
    'no array',
  ]
  for (const value of broken) {
    t.throws(() => new EnvelopeScan().read(Buffer.from(packr.pack(value)), 42), {
      code: 'WAQ_CORRUPT',
      message: /^Message 42 /,
    })
  }
  const whole = Buffer.from(message({ id: 'id' }).record)
  for (let length = 0; length < whole.length; length += 1) {
    t.throws(() => new EnvelopeScan().read(whole.subarray(0, length), 42), `cut at ${length}`)
  }
})
