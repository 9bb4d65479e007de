import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { Packr } from 'msgpackr'
import t from 'tap'
import {
  decodeEnvelope,
  decodePayload,
  type EncodedMessage,
  encodeMessage,
  placeInList,
} from '../../../lib/store/record/message.js'
import { message, NOW } from '../fixtures/messages.js'

const packr = new Packr({ useRecords: false })

function payloadOf(encoded: EncodedMessage): unknown {
  return decodePayload(decodeEnvelope(encoded.record, 'the record').payload, 'the record')
}

/** What the API takes as payload; −0 apart, which comes back as 0. */
const payloads = fc.letrec(tie => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.oneof(
      fc.constantFrom(null, undefined, true, false),
      fc.double().map(number => (Object.is(number, -0) ? 0 : number)),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array({ maxLength: 40 }),
    ),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(
      fc.string({ unit: 'grapheme', maxLength: 10 }).filter(key => key !== '__proto__'),
      tie('value'),
      { maxKeys: 6, noNullPrototype: true },
    ),
  ),
})).value

t.test('every payload that the API accepts is decoded as it was encoded', async t => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(payloads, payload => isDeepStrictEqual(payloadOf(message({ payload })), payload)),
      { numRuns: 500 },
    ),
  )
})

t.test('64-bit integers, dates, bytes and undefined in a payload keep their type', async t => {
  const payload = {
    small: 5n,
    lowest: -(2n ** 63n),
    highest: 2n ** 64n - 1n,
    when: new Date(1_700_000_000_001),
    before1970: new Date(-1),
    bytes: new Uint8Array([0, 255]),
    nothing: undefined,
    list: [undefined, null],
    toJSON: 'a key like any other',
  }
  const back = payloadOf(message({ payload })) as typeof payload
  t.strictSame(back, payload)
  t.ok('nothing' in back)
  t.ok(back.bytes instanceof Uint8Array)
})

t.test('minus zero in a payload becomes zero', async t => {
  t.ok(Object.is(payloadOf(message({ payload: -0 })), 0))
})

t.test('a payload may have more than 65,535 keys', async t => {
  const payload = Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`key ${i}`, i]))
  t.strictSame(payloadOf(message({ payload })), payload)
})

t.test('an envelope is decoded as it was encoded, and its payload is a view of the record', async t => {
  const encoded = message({
    id: 'order-1',
    channel: 'slack:T1:C1',
    headers: { trace: 'abc' },
    deliverAt: NOW + 1000,
    expiresAt: NOW + 2000,
  })
  const envelope = decodeEnvelope(encoded.record, 'the record')
  t.match(envelope, {
    id: 'order-1',
    channel: 'slack:T1:C1',
    headers: { trace: 'abc' },
    enqueuedAt: NOW,
    deliverAt: NOW + 1000,
    expiresAt: NOW + 2000,
    together: undefined,
  })
  t.equal(envelope.payload.buffer, encoded.record.buffer, 'nothing was copied')
})

t.test('a decoded due time is still known as an appointment or a delay', async t => {
  for (const delayed of [false, true]) {
    const { record } = message({ deliverAt: NOW + 1000, delayed })
    t.match(decodeEnvelope(record, 'the record'), { deliverAt: NOW + 1000, delayed })
  }
})

t.test('a decoded message shares no memory with its record', async t => {
  const { record } = message({ payload: new Uint8Array([1, 2, 3]) })
  const payload = decodePayload(decodeEnvelope(record, 'the record').payload, 'the record')
  record.fill(0)
  t.strictSame(payload, new Uint8Array([1, 2, 3]))
})

t.test('a message record keeps its bytes while others are encoded, and keeps no large one alive', async t => {
  const first = message({ payload: 'the first' })
  const bytes = Buffer.from(first.record)
  for (let i = 0; i < 100; i += 1) message({ payload: 'x'.repeat(100_000) })
  const large = message({ payload: 'x'.repeat(10_000_000) })
  const small = message({ payload: 'small' })
  t.strictSame(Buffer.from(first.record), bytes)
  t.ok(large.record.buffer.byteLength < 10_100_000)
  t.not(small.record.buffer, large.record.buffer)
})

t.test('a message record is accepted up to its limit of bytes, and refused one byte beyond', async t => {
  const facts = { id: 'id', idGiven: true, channel: 'c', headers: {}, together: false }
  const times = { enqueuedAt: NOW, deliverAt: 0, expiresAt: Number.POSITIVE_INFINITY }
  for (const payload of ['x'.repeat(300), [1, 2, 70_000], { a: true }]) {
    const { length } = encodeMessage({ ...facts, ...times, payload }).record
    t.equal(encodeMessage({ ...facts, ...times, payload }, length).record.length, length)
    for (const most of [length - 1, length - 3, 10])
      t.throws(() => encodeMessage({ ...facts, ...times, payload }, most), { message: 'too large' })
  }
})

t.test('a message without a priority costs no byte for it, and one with any costs three', async t => {
  const { length } = message().record
  for (const priority of [-8, -1, 0, 7]) {
    const { record } = message({ priority })
    t.equal(record.length, length + 3)
    t.equal(decodeEnvelope(record, 'the record').priority, priority)
  }
  t.equal(decodeEnvelope(message().record, 'the record').priority, undefined)
})

t.test('a message that never expires is decoded as such', async t => {
  t.equal(decodeEnvelope(message().record, 'the record').expiresAt, Number.POSITIVE_INFINITY)
})

t.test(
  'a message that was not encoded as a part of a list refuses a place in one and stays unchanged',
  async t => {
    const encoded = message({ together: false })
    const before = Buffer.from(encoded.record)
    t.throws(() => placeInList(encoded, 0, 2), /was not encoded as a part of a list/)
    t.strictSame(encoded.record, before)
  },
)

t.test('a part of a list that dies together is decoded with its place', async t => {
  const payload = { text: 'of three' }
  const encoded = message({ together: true, payload })
  const length = encoded.record.length
  placeInList(encoded, 2, 70_000)
  const envelope = decodeEnvelope(encoded.record, 'the record')
  t.strictSame(envelope.together, { index: 2, count: 70_000 })
  t.equal(encoded.record.length, length)
  t.strictSame(payloadOf(encoded), payload)
})

const fields: unknown[] = [null, 'id', 'channel', NOW, 0, NOW, {}, Buffer.from([0xc0])]

t.test(
  'a message record with a field of another shape is corrupt, and the error names the field',
  async t => {
    const wrong: [index: number, value: unknown, name: RegExp][] = [
      [0, 'no place', /place/],
      [0, [3, 3], /place/],
      [0, [1], /place/],
      [1, '', /id/],
      [1, 7, /id/],
      [2, null, /channel/],
      [3, 'now', /enqueue time/],
      [4, 'soon', /deliver-at/],
      [4, Number.NaN, /deliver-at/],
      [5, Number.NaN, /expiry/],
      [6, { trace: 1 }, /headers/],
      [6, ['trace'], /headers/],
      [7, 'text', /payload/],
    ]
    t.doesNotThrow(() => decodeEnvelope(packr.pack(fields), 'Message 9'))
    for (const [index, value, name] of wrong) {
      const record = packr.pack(fields.with(index, value))
      t.throws(() => decodeEnvelope(record, 'Message 9'), { code: 'WAQ_CORRUPT', message: name })
      t.throws(() => decodeEnvelope(record, 'Message 9'), { message: /^Message 9 / })
    }
  },
)

t.test('a message record that is no array, too short or no MessagePack is corrupt', async t => {
  const records = [
    packr.pack('text'),
    packr.pack(fields.slice(0, 7)),
    Buffer.from([0x98, 0xc0]),
    Buffer.alloc(0),
  ]
  for (const record of records) {
    t.throws(() => decodeEnvelope(record, 'Message 9'), { code: 'WAQ_CORRUPT' })
  }
})

t.test('a map of unknown optional fields behind the payload is skipped', async t => {
  const plain = decodeEnvelope(packr.pack(fields), 'Message 9')
  const later = packr.pack([...fields, new Map<number, unknown>([[99, { of: 'a later waq' }]])])
  t.strictSame(decodeEnvelope(later, 'Message 9'), plain)
  for (const behind of [['new'], [null], [[]], [{}, {}]]) {
    t.throws(() => decodeEnvelope(packr.pack([...fields, ...behind]), 'Message 9'), {
      code: 'WAQ_CORRUPT',
      message: /one map of optional fields/,
    })
  }
})

t.test('a payload that is no MessagePack is corrupt', async t => {
  t.throws(() => decodePayload(Buffer.from([0x92, 0x01]), 'Message 9'), { code: 'WAQ_CORRUPT' })
})
