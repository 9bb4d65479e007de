import fc from 'fast-check'
import { Packr } from 'msgpackr'
import t from 'tap'
import { writeRecord } from '../../lib/store/envelope-writer.js'

const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false })

const text = (maxLength: number) =>
  fc.oneof(
    fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength }),
  )
const EPOCH_MS = { min: 2 ** 32, max: 8.64e15 }

const messages = fc.record({
  id: text(256),
  channel: text(300),
  enqueuedAt: fc.integer(EPOCH_MS),
  deliverAt: fc.oneof(fc.constant(0), fc.integer(EPOCH_MS)),
  expiresAt: fc.oneof(fc.constant(Infinity), fc.integer(EPOCH_MS)),
  headers: fc.dictionary(text(40), fc.string({ unit: 'grapheme', maxLength: 400 }), {
    maxKeys: 20,
    noNullPrototype: true,
  }),
})

const PLACE = [0xffff_fffe, 0xffff_ffff] as const

t.test('it writes byte for byte what a general encoder of MessagePack writes', async t => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(messages, fc.uint8Array({ maxLength: 400 }), fc.boolean(), (message, payload, together) => {
        const { id, channel, enqueuedAt, deliverAt, expiresAt, headers } = message
        const place = together ? PLACE : undefined
        const fields = [place ?? null, id, channel, enqueuedAt, deliverAt, expiresAt, headers]
        const expected = packr.pack([...fields, Buffer.from(payload)])
        return writeRecord(8, place, message, payload).equals(expected)
      }),
      { numRuns: 500 },
    ),
  )
})

t.test('lengths at the edges of their encodings', async t => {
  for (const length of [1, 31, 32, 64, 65, 255, 256, 65_535, 65_536]) {
    const header = 'h'.repeat(length)
    const message = {
      id: 'i',
      channel: 'c'.repeat(Math.min(length, 512)),
      enqueuedAt: 1_763_812_345_678,
      deliverAt: 0,
      expiresAt: Infinity,
      headers: { header },
    }
    const payload = Buffer.alloc(length, 7)
    const { id, channel, enqueuedAt, deliverAt, expiresAt, headers } = message
    const expected = packr.pack([null, id, channel, enqueuedAt, deliverAt, expiresAt, headers, payload])
    t.same(writeRecord(8, undefined, message, payload), expected, `${length} bytes`)
  }
})

t.test('many headers, and a large one, leave nothing behind for the next message', async t => {
  const base = { id: 'i', channel: 'c', enqueuedAt: 1_763_812_345_678, deliverAt: 0, expiresAt: Infinity }
  const small = { ...base, headers: {} }
  const before = writeRecord(8, undefined, small, Buffer.of(0xc0))
  for (const count of [15, 16, 1_000]) {
    const headers = Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'é'.repeat(100)]))
    const record = writeRecord(8, undefined, { ...base, headers }, Buffer.of(0xc0))
    t.same((packr.unpack(record) as unknown[])[6], headers)
  }
  t.same(writeRecord(8, undefined, small, Buffer.of(0xc0)), before)
})
