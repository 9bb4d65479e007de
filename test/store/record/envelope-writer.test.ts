import fc from 'fast-check'
import { Packr } from 'msgpackr'
import t from 'tap'
import { recordBuffer } from '../../../lib/log/commit/record-buffer.js'
import { type EnvelopeFields, writeEnvelope } from '../../../lib/store/record/envelope-writer.js'
import { writePayload } from '../../../lib/store/record/payload-writer.js'

const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false })

function recordOf(message: EnvelopeFields, payload: unknown, place?: readonly [number, number]): Buffer {
  const outer = recordBuffer.begin()
  writeEnvelope(8, place, message)
  writePayload(payload, Number.POSITIVE_INFINITY)
  const record = recordBuffer.take()
  recordBuffer.finish(outer)
  return record
}

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

const numbers = fc.oneof(
  fc.integer({ min: -200, max: 300 }),
  fc.integer({ min: -40_000, max: 70_000 }),
  fc.maxSafeInteger(),
  fc.double(),
)
const keys = text(10).filter(key => key !== '__proto__')
const payloads = fc.letrec(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(
      fc.constantFrom(null, undefined, true, false),
      numbers,
      fc.string({ unit: 'grapheme' }),
      text(70),
    ),
    fc.array(tie('value'), { maxLength: 18 }),
    fc.dictionary(keys, tie('value'), { maxKeys: 18, noNullPrototype: true }),
  ),
})).value

const PLACE = [0xffff_fffe, 0xffff_ffff] as const

t.test('the envelope writer writes byte for byte what a general MessagePack encoder writes', async t => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(messages, payloads, fc.boolean(), (message, payload, together) => {
        const { id, channel, enqueuedAt, deliverAt, expiresAt, headers } = message
        const place = together ? PLACE : undefined
        const fields = [place ?? null, id, channel, enqueuedAt, deliverAt, expiresAt, headers]
        const expected = packr.pack([...fields, packr.pack(payload)])
        return recordOf(message, payload, place).equals(expected)
      }),
      { numRuns: 300 },
    ),
  )
})

t.test("the envelope writer encodes lengths at the edges of MessagePack's formats correctly", async t => {
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
    const payload = [header, Array.from({ length: Math.min(length, 70_000) }, (_, at) => at)]
    const { id, channel, enqueuedAt, deliverAt, expiresAt, headers } = message
    const expected = packr.pack([
      null,
      id,
      channel,
      enqueuedAt,
      deliverAt,
      expiresAt,
      headers,
      packr.pack(payload),
    ])
    t.same(recordOf(message, payload), expected, `${length} bytes`)
  }
})

t.test('many or large headers leave no bytes in the envelope of the next message', async t => {
  const base = { id: 'i', channel: 'c', enqueuedAt: 1_763_812_345_678, deliverAt: 0, expiresAt: Infinity }
  const small = { ...base, headers: {} }
  const before = recordOf(small, null)
  for (const count of [15, 16, 1_000]) {
    const headers = Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'é'.repeat(100)]))
    const record = recordOf({ ...base, headers }, null)
    t.same((packr.unpack(record) as unknown[])[6], headers)
  }
  t.same(recordOf(small, null), before)
})
