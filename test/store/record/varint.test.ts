import fc from 'fast-check'
import t from 'tap'
import { MAX_VARINT_BYTES, VarintReader, writeVarint } from '../../../lib/store/record/varint.js'

const reader = new VarintReader()

function bytesOf(value: number): Buffer {
  const buffer = Buffer.alloc(MAX_VARINT_BYTES + 2)
  return buffer.subarray(0, writeVarint(buffer, value, 0))
}

t.test('whole numbers up to 2^53 - 1 are read as written, in as few bytes as they need', async t => {
  const property = fc.property(fc.oneof(fc.nat(), fc.maxSafeInteger().map(Math.abs)), value => {
    const bytes = bytesOf(value)
    reader.begin(bytes)
    t.equal(reader.next(), value)
    t.equal(reader.at, bytes.length)
    t.equal(bytes.length, Math.max(1, Math.ceil(value.toString(2).length / 7)))
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
  for (const edge of [0, 127, 128, 2 ** 28 - 1, 2 ** 28, 2 ** 32, 2 ** 49 - 1, Number.MAX_SAFE_INTEGER]) {
    reader.begin(bytesOf(edge))
    t.equal(reader.next(), edge)
  }
  t.equal(bytesOf(Number.MAX_SAFE_INTEGER).length, MAX_VARINT_BYTES)
})

t.test('a varint that is too large, unterminated or missing is NaN', async t => {
  const larger = bytesOf(Number.MAX_SAFE_INTEGER)
  larger[7]! += 0x10
  for (const bytes of [larger, Buffer.alloc(12, 0xff), Buffer.from([0x80]), Buffer.alloc(0)]) {
    reader.begin(bytes)
    t.ok(Number.isNaN(reader.next()))
  }
})
